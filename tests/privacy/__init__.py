"""What must hold of everything that foule leaves behind, seen from outside."""
