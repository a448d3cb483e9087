"""What goes over the wire, one file a subject: requests as they are documented and read, answers as they are built.

Requests are read more leniently than their types say: numbers as text, names in any case, what is not known is left.
"""
