"""A changed secret is noticed by a salted hash; the value itself is kept nowhere."""

from activities.fingerprints import Fingerprints, fingerprint


async def test_a_value_matches_its_own_fingerprint_and_no_other_does() -> None:
    known = await fingerprint("a booking key")
    checks = Fingerprints()
    assert await checks.match("a booking key", known)
    assert not await checks.match("another key", known)
    assert not await checks.match("a booking key", None)


async def test_what_was_just_written_still_differs_from_another_value() -> None:
    checks = Fingerprints()
    known = await checks.make("a booking key")
    assert await checks.match("a booking key", known)
    assert not await checks.match("another key", known)
    assert not await checks.match("a booking key", await checks.make("another key"))


async def test_fingerprints_of_one_value_differ_and_never_hold_it() -> None:
    first, second = await fingerprint("a booking key"), await fingerprint("a booking key")
    assert first != second
    assert "booking" not in first
    checks = Fingerprints()
    await checks.make("a booking key")
    assert "booking" not in repr(vars(checks))
