"""``calls``: the group that every verb about calls belongs to."""

from trunkline.cli.verbs.options import group

calls = group("Live calls: place, watch, steer and read them.")
