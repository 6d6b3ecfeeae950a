"""The gallery: a page on the REST port that draws from what is being served."""
