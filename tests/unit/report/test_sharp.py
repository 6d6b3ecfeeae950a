from components.gate.verdict.verdict import Sharpness, Verdict
from pipeline.report.sharp import sharp_rows


def sharpness(refused_from, must_from, unit="bytes", seen_by=("pixel_shift",)):
    return Sharpness(fault="noise", unit=unit, refused_from=refused_from, must_from=must_from, seen_by=list(seen_by))


def rows(*found):
    return sharp_rows(Verdict(blessed=True, reason="", sharpness=list(found)))


def test_strengths_are_told_in_their_units():
    mild, row, corner, share, late, never = rows(
        sharpness(5.0, 20.0),
        sharpness(1.0, 1.0, "rows"),
        sharpness(3.0, 3.0, "pixels a side"),
        sharpness(0.02, 0.02, "of the images"),
        sharpness(40.0, 20.0),
        sharpness(None, 20.0, seen_by=()),
    )
    assert (mild.refused_from, mild.seen_by, mild.sharp) == ("5 of 255 levels", "Pixels, mean", True)
    assert (row.refused_from, corner.refused_from) == ("1 row", "3 pixels a side")
    assert (share.refused_from, share.sharp) == ("2% of the images", True)
    assert not late.sharp
    assert (never.refused_from, never.sharp) == ("not at any strength tried", False)


def test_many_figures_are_counted():
    (row,) = rows(sharpness(5.0, 20.0, seen_by=("recall", "coverage", "precision", "kid", "diversity")))
    assert row.seen_by == "Recall; Coverage; Precision and 2 more"
