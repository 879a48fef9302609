"""What is fitted: a Gaussian mixture made from a picture or a data set."""
