"""The one pixel path: from encoded images to the arrays that every other component uses."""
