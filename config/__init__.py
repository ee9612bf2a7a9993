"""The typed settings of foule and the root of its errors."""
