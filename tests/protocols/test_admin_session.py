"""Conversations with the command line as a terminal sees them, and every key of the editor."""

import pytest

from cucmsim.errors import LocalProtocolError, RemoteProtocolError
from cucmsim.protocols.admin_editor import Echo, Terminal
from cucmsim.protocols.admin_events import (
    Answered,
    CommandEntered,
    EndReason,
    Event,
    Interrupted,
    OutputResumed,
    Question,
    SessionEnded,
    SessionSettings,
)
from cucmsim.protocols.admin_grammar import Grammar, Syntax
from cucmsim.protocols.admin_session import AdminSession, State

# cucm.md 1.1: "bold text, VT100 escapes", no space before ESC[0m
PAGER = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m\x1b[K"
ERASED = "\r\x1b[K"
GRAMMAR = Grammar(
    Syntax.of(usage)
    for usage in (
        "show itl",
        "show ctl",
        "show cert list <type:own|trust>",
        "run sql <statement...>",
    )
)
PIPE = Terminal(None)


class Client:
    """A client's side: types, and keeps what it is shown."""

    def __init__(
        self, terminal: Terminal | None = None, settings: SessionSettings | None = None
    ) -> None:
        self.settings = settings or SessionSettings()
        self.session = AdminSession(GRAMMAR, terminal or Terminal(), self.settings)
        self.session.start("Welcome\n", 0.0)
        self.screen()

    def screen(self) -> str:
        return self.session.data_to_send().decode()

    def type(self, text: str, now: float = 1.0) -> str:
        self.session.receive_data(text.encode(), now)
        return self.screen()

    def events(self) -> list[Event]:
        found: list[Event] = []
        while (event := self.session.next_event()) is not None:
            found.append(event)
        return found

    def command(self, line: str = "show itl") -> None:
        """Give a command, and take note of it."""
        self.type(f"{line}\r")
        assert self.events() == [CommandEntered(line)]

    def shows(self, text: str) -> str:
        self.session.write(text)
        return self.screen()

    def asks(self, *args: object) -> str:
        self.session.ask(Question(*args))  # type: ignore[arg-type]
        return self.screen()

    def finishes(self, now: float = 2.0) -> str:
        self.session.finish(now)
        return self.screen()


def test_a_session_starts_with_the_banner_and_a_prompt_without_a_blank() -> None:
    session = AdminSession(GRAMMAR, Terminal(), SessionSettings())
    session.start("\n   Welcome\n\n", 0.0)
    assert session.data_to_send() == b"\r\n   Welcome\r\n\r\nadmin:"


def test_a_command_is_echoed_run_and_followed_by_the_next_prompt() -> None:
    client = Client()
    assert client.type("show itl\r") == "show itl\r\n"
    assert client.events() == [CommandEntered("show itl")]
    assert client.shows("Length of ITL file: 0\n") == "Length of ITL file: 0\r\n"
    assert client.finishes() == "admin:"


def test_output_without_a_last_line_feed_gets_one_before_the_prompt() -> None:
    client = Client()
    client.command()
    client.shows("no line feed")
    assert client.finishes() == "\r\nadmin:"


def test_blank_lines_give_a_prompt_each_and_are_no_commands() -> None:
    client = Client()
    assert client.type("\r  \r\n\n") == "\r\nadmin:" + "  \r\nadmin:" + "\r\nadmin:"
    assert client.events() == []


def test_ten_thousand_blank_lines_are_no_trouble() -> None:
    client = Client()
    assert client.type("\r" * 10_000) == "\r\nadmin:" * 10_000


def test_what_is_typed_while_a_command_runs_is_echoed_at_the_next_prompt() -> None:
    client = Client()
    client.command()
    assert client.type("show ctl\r") == ""
    assert client.finishes() == "admin:show ctl\r\n"
    assert client.events() == [CommandEntered("show ctl")]


def test_control_characters_of_output_do_not_reach_the_terminal() -> None:
    client = Client()
    client.command()
    assert client.shows("a\x1b[2Jb\a\tc\n") == "a[2Jb\tc\r\n"


def test_ctrl_c_drops_a_line_and_interrupts_a_command() -> None:
    client = Client()
    assert client.type("show\x03") == "show\r\nadmin:"
    assert client.events() == []
    client.command()
    client.type("typed ahead\r\x03show ctl\r")
    assert client.events() == [Interrupted()]
    assert client.shows("not shown any more\n") == ""
    assert client.finishes() == "admin:show ctl\r\n"


def test_ctrl_d_leaves_on_an_empty_line_only() -> None:
    client = Client()
    assert client.type("show\x04") == "show\a"
    client.type("\x15\x04")
    assert client.events() == [SessionEnded(EndReason.LEFT)]
    assert client.session.state is State.CLOSED
    assert client.type("nothing follows\r") == ""


def test_a_plain_question_is_echoed_with_its_line_feed() -> None:
    client = Client()
    client.command()
    assert client.asks("Continue (y/n)?") == "Continue (y/n)?"
    assert client.type("yx\x7f\r") == "yx\b \b\r\n"
    assert client.events() == [Answered("y")]


def test_of_a_hidden_answer_nothing_is_echoed_not_even_enter() -> None:
    # seed 003, line 116: "Enter Sftp password :Processing token in else 0 tac"
    client = Client()
    client.command()
    client.asks("Enter Sftp password :", Echo.NOTHING)
    assert client.type("secret\x7f\r") == ""
    assert client.events() == [Answered("secre")]
    assert client.shows("Processing token\n") == "Processing token\r\n"
    assert client.finishes() == "admin:"


def test_a_starred_answer_shows_its_length() -> None:
    # seed 003, line 536: "Password: *****"
    client = Client()
    client.command()
    client.asks("Password: ", Echo.STARS)
    assert client.type("abcde\r") == "*****\r\n"
    assert client.events() == [Answered("abcde")]


def test_a_question_of_keys_takes_one_of_them_without_enter() -> None:
    client = Client()
    client.command()
    client.asks("options: q=quit, n=next : ", Echo.TEXT, "qn")
    assert client.type("x\r") == "\a\a"
    client.type("n")
    assert client.events() == [Answered("n")]


def test_answers_do_not_enter_the_history() -> None:
    client = Client()
    client.command()
    client.asks("Password: ", Echo.STARS)
    client.type("secret\r")
    client.events()
    client.finishes()
    assert client.type("\x1b[A") == "show itl"
    assert client.type("\x1b[A") == "\a"


@pytest.mark.parametrize("key", ["\x1b[A", "\x1b[B", "\t", "\x0c"])
def test_a_question_has_neither_history_nor_completion(key: str) -> None:
    client = Client()
    client.command()
    client.asks("Continue (y/n)?")
    assert client.type(key) == "\a"


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_a_question_can_be_interrupted(key: str) -> None:
    client = Client()
    client.command()
    client.asks("Continue (y/n)?")
    client.type(f"n\x15{key}")
    assert client.events() == [Interrupted()]
    assert client.finishes() == "\r\nadmin:"


def test_an_answer_may_be_typed_ahead() -> None:
    client = Client()
    client.command()
    client.type("y\r")
    assert client.asks("Continue (y/n)?") == "Continue (y/n)?y\r\n"
    assert client.events() == [Answered("y")]


def test_the_history_walks_back_and_forth_and_keeps_the_line_begun() -> None:
    client = Client()
    for line in ("show itl", "show ctl", "show ctl"):
        client.command(line)
        client.finishes()
    assert client.type("sh") == "sh"
    assert client.type("\x1b[A") == "ow ctl"
    assert client.type("\x1bOA") == "\b\b\bitl"
    assert client.type("\x10") == "\a"
    assert client.type("\x1b[B") == "\b\b\bctl"
    assert client.type("\x0e").count("\b") == 12
    assert client.type("\x0e") == "\a"
    client.type("ow itl\r")
    assert client.events() == [CommandEntered("show itl")]


def test_editing_in_the_middle_of_a_line_shows_and_gives_the_new_line() -> None:
    client = Client()
    client.type("how itx")
    assert client.type("\x01s") == "\b" * 7 + "show itx" + "\b" * 7
    assert client.type("\x05") == "how itx"
    assert client.type("\x1b[D\x1b[3~") == "\b \b"
    assert client.type("l") == "l"
    assert client.type("\x1b[D\x1b[D\x1b[C") == "\b\bt"
    client.type("\x1b[F\x1b[H\x1b[4~\r")
    assert client.events() == [CommandEntered("show itl")]


def test_words_and_ends_of_lines_can_be_killed() -> None:
    client = Client()
    client.type("show cert list\x17\x17itl")
    assert client.session.data_to_send() == b""
    assert client.type("\x02\x02\x0b") == "\b\b" + "  " + "\b\b"
    client.type("tl\r")
    assert client.events() == [CommandEntered("show itl")]


def test_keys_that_change_nothing_ring_the_bell() -> None:
    client = Client()
    for key in ("\x7f", "\x1b[C", "\x1b[D", "\x1b[3~", "\x15", "\x0b", "\x17"):
        assert client.type(key) == "\a"


def test_a_line_longer_than_the_longest_rings_the_bell() -> None:
    client = Client(Terminal("dumb"))
    client.type("x" * 8192)
    assert client.type("y") == "\a"


def test_a_long_line_wraps_and_is_edited_across_rows() -> None:
    client = Client(Terminal("vt100", columns=10))
    assert client.type("show") == "show \r"  # admin:show fills the row
    assert client.type(" itl") == " itl"
    assert client.type("\x01") == "\x1b[1A\r\x1b[6C"
    assert client.type("\x0b") == " " * 8 + "\x1b[1A\r\x1b[6C"


def test_a_line_goes_back_to_the_first_column_of_a_row() -> None:
    client = Client(Terminal("vt100", columns=6))
    client.type("1234567")
    assert client.type("\x01") == "\x1b[1A\r"


def test_a_dumb_terminal_gets_no_escapes_however_long_the_line() -> None:
    client = Client(Terminal("dumb", columns=10))
    assert client.type("show itl") == "show itl"
    assert client.type("\x15") == "\b" * 8 + " " * 8 + "\b" * 8


def test_wide_and_combining_characters_take_their_columns() -> None:
    client = Client()
    client.type("名e\u0301")
    assert client.type("\x15") == "\b\b\b   \b\b\b"


def test_a_resized_window_wraps_and_pages_at_its_new_size() -> None:
    client = Client()
    client.session.resize(Terminal("vt100", 10, 3))
    assert client.type("show") == "show \r"
    client.type("\r")
    assert client.shows("1\n2\n3\n") == "1\r\n2\r\n" + PAGER
    assert client.session.terminal == Terminal("vt100", 10, 3)


def test_a_question_mark_lists_what_can_follow_and_shows_the_line_again() -> None:
    client = Client()
    assert client.type("show ?") == (
        "show \r\n    show cert*\r\n    show ctl\r\n    show itl\r\nadmin:show "
    )
    client.type("itl\r")
    assert client.events() == [CommandEntered("show itl")]


def test_a_question_mark_in_a_statement_is_itself() -> None:
    client = Client()
    assert client.type("run sql select ?\r") == "run sql select ?\r\n"


def test_tab_completes_lists_or_rings_the_bell() -> None:
    client = Client()
    assert client.type("sh\t") == "show "
    assert client.type("\t") == "\r\n    show cert*\r\n    show ctl\r\n    show itl\r\nadmin:show "
    assert client.type("c\t") == "c\r\n    show cert*\r\n    show ctl\r\nadmin:show c"
    assert client.type("e\t") == "ert "
    assert client.type("list o\t") == "list own "
    assert client.type("x\t") == "x\a"


def test_ctrl_l_shows_the_line_again_with_the_cursor_in_its_place() -> None:
    client = Client()
    client.type("show\x1b[D")
    assert client.type("\x0c") == "\r\nadmin:show\b"


def test_long_output_stops_after_a_page_and_goes_on_as_told() -> None:
    client = Client(Terminal(rows=4))
    client.command()
    lines = [f"{number}\n" for number in range(10)]
    assert client.shows("".join(lines)) == "0\r\n1\r\n2\r\n" + PAGER
    assert client.type("x") == ""
    assert client.type("\r") == ERASED + "3\r\n" + PAGER
    assert client.type(" ") == ERASED + "4\r\n5\r\n6\r\n" + PAGER
    assert client.type(" ") == ERASED + "7\r\n8\r\n9\r\n"
    assert client.events() == [OutputResumed()]
    assert client.finishes() == "admin:"


@pytest.mark.parametrize("key", ["q", "Q"])
def test_q_drops_the_rest_of_the_output_but_not_of_the_command(key: str) -> None:
    client = Client(Terminal(rows=2))
    client.command()
    client.shows("1\n2\n")
    assert client.type(key) == ERASED
    assert client.events() == [OutputResumed()]
    assert client.shows("3\n") == ""
    assert client.asks("Continue (y/n)?") == "Continue (y/n)?"
    client.type("y\r")
    assert client.shows("4\n") == "4\r\n"


def test_ctrl_c_at_the_pager_interrupts_the_command() -> None:
    client = Client(Terminal(rows=2))
    client.command()
    client.shows("1\n2\n")
    assert client.type("\x03") == ERASED
    assert client.events() == [Interrupted()]


def test_a_command_that_ends_at_the_pager_takes_the_prompt_away() -> None:
    client = Client(Terminal(rows=2))
    client.command()
    client.shows("1\n2\n")
    assert client.finishes() == ERASED + "admin:"


def test_lines_wider_than_the_screen_count_as_several() -> None:
    client = Client(Terminal(columns=10, rows=4))
    client.command()
    assert client.shows("x" * 11 + "\n2\n3\n") == "x" * 11 + "\r\n2\r\n" + PAGER


def test_pages_of_a_dumb_terminal_have_no_escapes() -> None:
    client = Client(Terminal("dumb", rows=2))
    client.command()
    words = "Press <enter> for 1 line, <space> for one page, or <q> to quit"
    assert client.shows("1\n2\n") == f"1\r\n{words}"
    assert client.type("\r") == f"\r{' ' * len(words)}\r2\r\n"


def test_without_pagination_everything_comes_at_once() -> None:
    client = Client(Terminal(rows=2), SessionSettings(pagination=False))
    client.command()
    assert client.shows("1\n2\n3\n") == "1\r\n2\r\n3\r\n"


def test_a_terminal_of_no_size_has_24_rows_of_80_columns() -> None:
    client = Client(Terminal("xterm", 0, 0))
    client.command()
    assert client.shows("x\n" * 30) == "x\r\n" * 23 + PAGER


def test_a_pipe_gets_neither_echo_nor_pager_nor_carriage_returns() -> None:
    client = Client(PIPE)
    assert client.type("show itl\nshow ctl") == ""
    assert client.events() == [CommandEntered("show itl")]
    assert client.shows("x\n" * 100) == "x\n" * 100
    assert client.finishes() == "admin:"
    assert not client.settings.has_ended_input
    client.session.receive_eof()
    assert client.settings.has_ended_input
    assert client.events() == [CommandEntered("show ctl")]
    assert client.finishes() == "admin:"
    assert client.events() == [SessionEnded(EndReason.END_OF_INPUT)]


def test_the_end_of_input_answers_a_question_with_what_was_begun() -> None:
    client = Client(PIPE)
    client.type("show itl\ny")
    client.session.receive_eof()
    client.events()
    client.asks("Continue (y/n)?")
    assert client.events() == [Answered("y")]
    client.asks("Again (y/n)?")
    assert client.events() == [SessionEnded(EndReason.END_OF_INPUT)]


def test_a_running_number_stands_before_the_prompt() -> None:
    client = Client()
    client.settings.command_count = True
    client.command()
    assert client.finishes() == "1 admin:"


def test_a_session_without_keys_ends_after_its_time() -> None:
    client = Client(settings=SessionSettings(timeout_s=1800))
    assert client.session.next_timeout() == 1800
    client.type("s", now=100.0)
    client.session.handle_timeout(1899.9)
    assert client.session.state is State.PROMPT
    client.session.handle_timeout(1900.0)
    assert client.events() == [SessionEnded(EndReason.TIMEOUT)]
    assert client.screen() == "\r\n"


def test_no_session_ends_while_a_command_runs_or_where_there_is_no_time_out() -> None:
    client = Client()
    client.command()
    assert client.session.next_timeout() is None
    client.session.handle_timeout(1e9)
    assert client.session.state is State.RUNNING
    assert Client(settings=SessionSettings(timeout_s=0)).session.next_timeout() is None


def test_a_closed_session_says_so() -> None:
    client = Client()
    client.command("show itl")
    client.session.close()
    assert client.events() == [SessionEnded(EndReason.LEFT)]


def test_a_session_of_one_command_has_no_prompt_and_ends_with_it() -> None:
    session = AdminSession(GRAMMAR, Terminal(), SessionSettings())
    session.start_command("show itl", 0.0)
    assert session.next_event() == CommandEntered("show itl")
    session.write("none")
    session.finish(1.0)
    assert session.next_event() == SessionEnded(EndReason.LEFT)
    assert session.data_to_send() == b"none\r\n"


def test_our_own_side_may_write_ask_and_finish_only_while_a_command_runs() -> None:
    session = Client().session
    with pytest.raises(LocalProtocolError, match="cannot start while PROMPT"):
        session.start("", 0.0)
    with pytest.raises(LocalProtocolError, match="cannot write while PROMPT"):
        session.write("")
    with pytest.raises(LocalProtocolError, match="cannot ask while PROMPT"):
        session.ask(Question(""))
    with pytest.raises(LocalProtocolError, match="cannot finish while PROMPT"):
        session.finish(0.0)


def test_a_million_keys_typed_ahead_end_the_session() -> None:
    client = Client()
    client.command()
    with pytest.raises(RemoteProtocolError, match="1000000 keys"):
        client.type("x" * 1_000_001)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_keys_mean_the_same_however_their_bytes_are_cut(size: int) -> None:
    client = Client()
    keys = "shöw\x1b[D\x1b[D\x1b[3~o\x1b[1;5C\x1b[\x01\x1bO\x05\x1b\x05\x1bx itl\r\n\r\0\x00\r"
    data = keys.encode()
    for start in range(0, len(data), size):
        client.session.receive_data(data[start : start + size], 1.0)
    assert client.events() == [CommandEntered("show itl")]


def test_an_escape_sequence_without_an_end_is_given_up() -> None:
    client = Client()
    client.type("\x1b[" + "1" * 40)
    client.type("\r")
    assert client.events() == [CommandEntered("[" + "1" * 40)]


def test_bytes_that_are_no_utf8_and_surrogates_do_no_harm() -> None:
    client = Client()
    client.session.receive_data(b"\xff\r", 1.0)
    assert client.events() == [CommandEntered("\ufffd")]
    client.session.write("\udcff\n")
    assert client.session.data_to_send().endswith(b"?\r\n")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("vt100", "\x1b[1m\r\nor q : \x1b[0m"), ("dumb", "\r\nor q : "), (None, "\nor q : ")],
)
def test_a_question_in_bold_is_plain_where_escapes_mean_nothing(
    kind: str | None, shown: str
) -> None:
    client = Client(Terminal(kind))
    client.command()
    assert client.asks("\x1b[1m\nor q : \x1b[0m", Echo.TEXT, "q") == shown
