"""Who is at the kiosk: accounts kept here, passwords, faces, and the vault that their templates lie in."""
