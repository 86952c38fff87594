"""``calls``: the group that every verb about calls belongs to."""

from trunkline.cli.verbs.options import group

calls = group("Calls: ask for them, read them, watch and steer those that go on.")
