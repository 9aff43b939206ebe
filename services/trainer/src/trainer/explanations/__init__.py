"""What of a picture a network went by, and whether radiologists marked the same.

``methods`` and ``gallery`` need torch; ``agreement``, ``boxes`` and ``pictures`` are numpy alone.
"""
