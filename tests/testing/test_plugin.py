"""The plugin inside pytest runs of other people: what it prints, refuses and leaves behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import cucmsim.testing.attach
import cucmsim.testing.awaited
import cucmsim.testing.blocking

_PLUGIN = ("-p", "no:cucmsim", "-p", "cucmsim.testing.plugin", "-p", "no:cacheprovider")
_INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a directory with settings as strict as can be."""
    pytester.makefile(".ini", pytest=_INI)
    return pytester


def test_a_test_that_failed_shows_what_crossed_the_wire_and_what_the_phone_said(
    run: pytest.Pytester,
) -> None:
    run.makepyfile(
        """
        import pytest

        FAULT = {"kind": "tvs-not-trusted", "times": 1}

        @pytest.mark.cucm(nodes=1, phones=["8861"], faults=[FAULT])
        def test_it(cucm_phone):
            cucm_phone.boot()
            assert cucm_phone.trusts("tomcat")

        def test_nothing(cucm):
            assert cucm
        """
    )
    result = run.runpytest_inprocess(*_PLUGIN, "--strict-markers", "--cucm-captures=wire")
    result.assert_outcomes(passed=1, failed=1)
    (capture,) = (run.path / "wire").iterdir()
    assert capture.name.endswith("test_it-1-cucm-pub.pcapng")
    assert capture.read_bytes().startswith(b"\x0a\x0d\x0d\x0a")
    result.stdout.fnmatch_lines(
        [
            "E*assert <tomcat of cucm-pub is not trusted: TVS does not trust it>",
            "*- cucmsim journal of cucm-pub -*",
            "1 node, release 11.5, non-secure",
            "*cucm-pub  tvs  * -> *tvs-not-trusted (fault 1)*",
            "*- cucmsim faults of cucm-pub -*",
            "1: {'kind': 'tvs-not-trusted', 'times': 1}, happened 1x",
            "*- cucmsim console log of SEP* -*",
            "*SECUREAPP-*",
            "<SEP* is registered at cucm-pub>",
            "*- cucmsim captures -*",
            "wire*test_it-1-cucm-pub.pcapng",
        ]
    )
    assert "loopthread.py" not in result.stdout.str()


def test_a_marker_that_is_wrong_is_a_usage_error_before_any_test_runs(
    run: pytest.Pytester,
) -> None:
    run.makepyfile(
        """
        import pytest

        def test_before():
            raise SystemExit("a test ran")

        @pytest.mark.cucm(relase="12.5")
        def test_it(cucm_cluster): ...

        @pytest.mark.cucm("12.5")
        def test_positional(cucm_cluster): ...
        """
    )
    result = run.runpytest_inprocess(*_PLUGIN)
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: *::test_it: @pytest.mark.cucm: relase: found *; did you mean 'release'?",
            "*::test_positional: @pytest.mark.cucm: the first: found '12.5', expected keywords*",
        ]
    )


def test_a_cluster_that_cannot_start_says_which_port(run: pytest.Pytester) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        run.makepyfile(
            f"""
            import pytest

            MANAGEMENT = {{"port": {port}, "token": "0123456789abcdef"}}

            @pytest.mark.cucm(nodes=1, extra={{"management": MANAGEMENT}})
            def test_it(cucm_cluster): ...
            """
        )
        result = run.runpytest_inprocess(*_PLUGIN)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"the cluster cannot start: *127.0.0.1*{port}*"])
    assert "Traceback" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


def test_a_run_without_clusters_loads_nothing_of_the_package() -> None:
    program = """
import sys
import cucmsim.testing.plugin
loaded = [name for name in sys.modules if name.startswith(("cucmsim.", "cryptography", "pydantic"))]
sys.exit(",".join(sorted(loaded)) != "cucmsim.testing,cucmsim.testing.plugin" and str(loaded))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return a directory for temporary files with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="scratch-") as directory:
        yield Path(directory)


_FOREVER = """
def test_it(cucm_phone, cucm_cluster):
    cucm_phone.boot()
    print("AT", cucm_cluster.tftp_address, flush=True)
    cucm_cluster.wait_for(service="capf", timeout_s=600)
"""


def test_ctrl_c_in_the_middle_of_a_test_leaves_no_port_and_no_file(
    run: pytest.Pytester, tmp_path: Path, scratch: Path
) -> None:
    run.makepyfile(_FOREVER)
    root = str(Path(cucmsim.testing.attach.__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": root}
    command = [sys.executable, "-m", "pytest", *_PLUGIN, "-s", "--basetemp", str(tmp_path / "base")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        told, found = "", None
        while found is None and (line := process.stdout.readline()):
            told, found = told + line, re.search(r"AT (127\S+)", line)
        assert found is not None, told
        assert [*scratch.iterdir()] != []
        process.send_signal(signal.SIGINT)
        told += process.stdout.read()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in told
    assert "Warning" not in told
    assert [*scratch.iterdir()] == []
    for kind, port in ((socket.SOCK_DGRAM, 6969), (socket.SOCK_STREAM, 5060)):
        with socket.socket(socket.AF_INET, kind) as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((found[1], port))
