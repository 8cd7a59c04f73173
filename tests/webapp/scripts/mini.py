"""A small script that is in order, for tests to spoil one line at a time."""

from __future__ import annotations

from webapp.scripts.grammar import Script, parse

FIELDS = frozenset({"given_name", "name", "product", "note", "email"})

QUESTIONS = "\n".join(f'  - id: q{n}\n    text: "Question {n}?"' for n in range(24))

MINI = f"""\
script: mini
language: en
title: "Small"
version: 1
attitude:
  - "Smile"
greetings:
  morning: "Good morning"
  afternoon: "Good afternoon"
  evening: "Good evening"
  night: "Hello"
moments:
  today: "today at {{time}}"
  tomorrow: "tomorrow at {{time}}"
  later: "on {{date}} at {{time}}"
holidays:
  - from: "12-20"
    to: "01-05"
    say: "Happy New Year!"
if_unknown:
  office: "Sales"
phrases:
  hold: "Will you hold?"
  second_line: "May I?"
  back_from_hold: "Thank you[, {{caller}}]."
  transfer: "May I connect you?"
entries:
  new_caller: greet
  known_client: greet
  colleagues_client: greet
  open_matter: matter
  absent_employee: greet
  was_missed: greet
branches:
  price:
    steps: [price_1, price_2, price_3]
  wont_name:
    steps: [aside]
  angry:
    steps: [aside]
  absent:
    steps: [aside]
  cant_hear:
    steps: [aside]
  dont_know:
    steps: [aside]
  nothing_fits:
    steps: [listen]
steps:
  greet:
    say: "{{office}}, how can I help?"
    answers:
      - text: "Needs something"
        purpose: question
        to: ask_name
      - text: "Asks the price"
        branch: price
        to: need
  ask_name:
    say: "How should I address you?"
    skip_known: true
    answers:
      - text: "Gives the name"
        ask: given_name
        light: name
        to: need
  need:
    say: "[{{caller}}, ]what would you like?"
    hint:
      wrong: "What do you need?"
      right: "Listen"
    answers:
      - text: "Names it"
        ask: product
        fills:
          note: "asked"
        to: agree
      - text: "Nothing"
        to: bye
  agree:
    say: "Shall I ring you?"
    answers:
      - text: "Yes"
        light: next_step
        promise: true
        outcome: call_back
        next: call_back
        to: bye
  matter:
    say: "[About {{open_matter}}|How can I help]?"
    to: bye
  bye:
    say: "Goodbye!"
    end: true
  price_1:
    say: "Shall we meet?"
    deflection: true
    answers:
      - text: "Insists"
        to: price_2
      - text: "Goes on"
        return: true
  price_2:
    say: "Shall we call?"
    deflection: true
    answers:
      - text: "Insists"
        to: price_3
  price_3:
    say: "Today or tomorrow?"
    deflection: true
    answers:
      - text: "Insists"
        to: price_last
      - text: "Goes on"
        return: true
  price_last:
    say: "[It is {{price_range}}|It depends]. What sum did you mean?"
    last_price: true
    return: true
  aside:
    say: "One moment."
    return: true
  listen:
    say: "Tell me more?"
    answers:
      - text: "Their words"
        ask: said
        return: true
questions:
  - id: product
    text: "Which product[, {{caller}}]?"
    field: product
{QUESTIONS}
"""


def line_of(text: str, piece: str) -> int:
    """The line, from 1, where `piece` first stands in `text`."""
    return text[: text.index(piece)].count("\n") + 1


def mini(text: str = MINI) -> Script:
    """The small script, parsed."""
    script, _, problems = parse(text.encode(), "mini.en.yaml")
    assert script, problems
    return script
