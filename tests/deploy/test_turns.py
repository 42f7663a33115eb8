"""Things timed in turns: what runs when; times themselves are the machine's."""

from __future__ import annotations

from collections.abc import Callable

from hnas.deploy.timing.turns import medians_in_turns


def test_every_round_makes_each_anew_and_calls_it_twice() -> None:
    seen: list[str] = []

    def maker(name: str) -> Callable[[], Callable[[], None]]:
        def make() -> Callable[[], None]:
            seen.append(f"make {name}")
            return lambda: seen.append(name)

        return make

    turns: list[str] = []
    found = medians_in_turns({name: maker(name) for name in "ab"}, rounds=3, on_turn=turns.append)
    assert seen == ["make a", "a", "a", "make b", "b", "b"] * 3
    assert turns == ["a", "b"] * 3
    assert found.keys() == {"a", "b"}
    assert all(seconds >= 0 for seconds in found.values())
