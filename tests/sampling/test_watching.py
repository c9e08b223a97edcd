from skebm.sampling.watching import listening, watched


def test_steps_are_as_they_are_where_nobody_listens():
    steps = iter("abc")
    assert watched(steps, 3, "spelling") is steps


def test_a_listener_is_told_of_each_step():
    told = []
    with listening(lambda *event: told.append(event)):
        for letter in watched("ab", 2, "spelling", 2):
            told.append(letter)
    assert told == [
        ("spelling", 0, 2, 2),
        "a",
        ("spelling", 1, 2, 2),
        "b",
        ("spelling", 2, 2, 2),
    ]


def test_nobody_listens_after_the_block_or_within_a_silent_one():
    told = []
    with listening(lambda *event: told.append(event)), listening(None):
        list(watched("ab", 2, "spelling"))
    list(watched("ab", 2, "spelling"))
    assert not told
