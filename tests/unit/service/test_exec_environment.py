"""What a command inside an instance gets as environment, and as whom it may run."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.service.exec import check_ids, environment
from holdfast.service.instance_requests import ExecRequest


def test_defaults_of_root() -> None:
    assert environment({}, ExecRequest(command=("true",))) == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/root",
        "USER": "root",
    }


def test_the_request_wins_over_the_instance_and_the_instance_over_defaults() -> None:
    config = {"environment.LANG": "de_DE.UTF-8", "environment.A": "instance", "user.x": "1"}
    made = environment(config, ExecRequest(command=("true",), user=1000, environment={"A": "request"}))
    assert made["LANG"] == "de_DE.UTF-8"
    assert made["A"] == "request"
    assert "HOME" not in made


def test_a_terminal_has_a_type() -> None:
    assert environment({}, ExecRequest(command=("sh",), is_interactive=True))["TERM"] == "xterm"


@pytest.mark.parametrize("variable", [{"": "x"}, {"A=B": "x"}, {"A": "x\0y"}])
def test_variables_that_can_not_be(variable: dict[str, str]) -> None:
    with pytest.raises(BadRequestError, match="Invalid environment variable"):
        environment({}, ExecRequest(command=("true",), environment=variable))


@pytest.mark.parametrize("number", [-1, -2, 2**32 - 1, 2**32, 99999999999])
@pytest.mark.parametrize("field", ["user", "group"])
def test_threat_a_number_that_the_kernel_takes_for_no_change(field: str, number: int) -> None:
    """Such a command ran as root."""
    request = (
        ExecRequest(command=("id",), user=number) if field == "user" else ExecRequest(command=("id",), group=number)
    )
    with pytest.raises(BadRequestError, match=f"Invalid {field} {number}: .* from 0 to 4294967294"):
        check_ids(request)


def test_ids_that_can_be() -> None:
    check_ids(ExecRequest(command=("id",), user=0, group=2**32 - 2))
