"""Plans, reports and problems as text, Markdown and JSON. Pure: strings out, no I/O, no clock."""
