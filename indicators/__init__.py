"""The statistics of foule: visits, windows and tallies on numpy columns; pure, without clock or I/O."""
