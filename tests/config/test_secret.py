"""A secret shows nothing of itself but the place that an address names."""

import json

import pytest

from config.secret import Secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("hunter2", "***"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://user:hunter2@cache:6379/1", "redis://***@cache:6379/1"),
        ("rediss://:hunter2@[::1]:6379", "rediss://***@[::1]:6379"),
        ("redis://cache/0?password=hunter2", "redis://cache/0?***"),
        ("unix://:hunter2@/run/redis.sock?db=1", "unix://***@/run/redis.sock?***"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        # a password that an address may not hold unescaped
        ("redis://user:hunt/er2@cache:6379/1", "***"),
        ("redis://user:hunt@er2@cache:6379/1", "***"),
        ("redis://hunter2 @cache", "redis://***@cache"),
        ("redis://user:123456/7@cache", "***"),
    ],
)
def test_a_secret_is_masked_in_every_text(text: str, shown: str) -> None:
    secret = Secret(text)
    assert str(secret) == f"{secret}" == shown
    assert repr(secret) == f"Secret({shown!r})"
    assert secret.reveal() == text


def test_a_secret_cannot_be_joined_or_serialised() -> None:
    with pytest.raises(TypeError):
        "".join([Secret("hunter2")])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a")
    assert not Secret("")
