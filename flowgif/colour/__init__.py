"""Colours: in a space where equal distances look equal, and with the background taken out."""
