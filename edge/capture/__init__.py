"""From a lens to the bytes of one picture, and whether that picture is worth analysing."""
