"""What mates show of one place, base and quality each, and how their fragment is counted from Q20 on."""

# Of the first and the second mate; then ref, alt and other.
MATES = [
    (("ref", 30), ("ref", 30), (1, 0, 0)),
    (("alt", 30), ("alt", 10), (0, 1, 0)),
    (("alt", 37), ("ref", 12), (0, 1, 0)),  # by 25
    (("alt", 12), ("ref", 37), (1, 0, 0)),
    (("alt", 37), ("ref", 18), (0, 0, 0)),  # by 19
    (("alt", 30), ("ref", 30), (0, 0, 0)),
    (("alt", 10), ("alt", 10), (0, 0, 0)),
    (("third", 37), ("alt", 5), (0, 0, 1)),
]
