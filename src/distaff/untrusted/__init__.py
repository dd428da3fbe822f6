"""Files, names and texts of strangers: everything that was not written here is read through this room.

A file is regular, its sizes and shapes are bounded before memory is taken, what it names stays inside its folder, its
format is known by content and from a list, and nothing in it is ever executed. What is wrong with it is one line.
"""
