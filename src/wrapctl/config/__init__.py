"""What the files say: read with positions, validated, merged, checked and compared."""
