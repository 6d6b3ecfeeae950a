"""What the gate knows of the train images: arrays that the figures are held against, and how they are kept."""
