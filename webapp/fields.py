"""Form fields that several pages share."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from wtforms import StringField


class ClockField(StringField):
    """A time of day as people type it: 9, 9:30, 09.30, 0930, 24:00. `data` is minutes after midnight or None.

    What was typed is shown again when it can't be read.
    """

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = str(valuelist[0]).strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        match = re.fullmatch(r"(\d{1,2})(?:[:.\-h ]?(\d{2}))?", typed, re.ASCII)
        minutes = int(match[1]) * 60 + int(match[2] or 0) if match else -1
        if not match or int(match[2] or 0) > 59 or minutes > 24 * 60:
            raise ValueError(_("Type a time such as 9:30."))
        self.data = minutes

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else f"{self.data // 60:02}:{self.data % 60:02}"
