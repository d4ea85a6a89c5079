"""The keys of the main screen: moving about, finding, folding."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType

from cwm_agent.errors import UsageError
from cwm_agent.view.app.keys import bindings
from cwm_agent.view.app.outline import Block
from cwm_agent.view.app.panels import tab_at
from cwm_agent.view.app.screens.finder import Finder, look_for
from cwm_agent.view.app.screens.layout import Layout
from cwm_agent.view.app.session import TABS, Key
from cwm_agent.view.app.widgets.bar import Bar
from cwm_agent.view.app.widgets.prompt import Prompt


class Main(Layout):
    """Keys come from `keys.KEYS`; the actions stand here, those beyond the screen in the app."""

    BINDINGS: ClassVar[list[BindingType]] = bindings()

    # -- events ----------------------------------------------------------------------------

    def on_row_table_moved(self) -> None:
        """The application opens the row."""
        self.note = ""
        self.redraw()

    def on_row_table_opened(self) -> None:
        """A second click on a row."""
        self.action_open()

    def on_outline_view_toggled(self) -> None:
        """Click in the detail."""
        self.redraw()

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        """A tab, or a column to sort by."""
        if event.bar.id == "tabs" and (name := tab_at(event.x, event.bar.size.width)):
            self.action_tab(name)
        elif event.bar.id == "head" and (title := self.table.column_at(event.x)):
            if title == self.session.sort:
                self.session.reverse = not self.session.reverse
            self.session.sort = title
            self.session.arrange()
            self.show_rows()

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        """A filter or words."""
        if event.purpose == "filter":
            self.enter(detail=False)
            if event.text is not None:
                self.set_filter(event.text)
        elif event.purpose == "find":
            self.enter(detail=True)
            if event.text:
                self.find(event.text)
        self.redraw()

    def set_filter(self, said: str) -> None:
        """Show what passes; a filter that cannot be read changes nothing."""
        try:
            self.session.set_filter(said)
        except UsageError as error:
            self.say(str(error))
            return
        self.show_rows()

    def find(self, words: str, step: int | None = None) -> None:
        """Search in the opened attempt, in the shown tab; go to the first hit of that step, else
        to the next one."""

        def found(finder: Finder) -> None:
            if finder is not self.finder:
                return  # another tab is shown, or another attempt
            finder.fit(self.detail.outline)
            if step is not None:
                steps = [block.step for block in self.detail.outline.blocks]
                inside = [n for n, hit in enumerate(finder.hits) if steps[hit.block] == step]
                finder.place = (inside[0] if inside else 0) - 1
            self.action_hit(1)

        self.detail.words = words
        self.finder = look_for(words, self.detail.outline, self, found)
        self.say(self.finder.says)

    def show_hit(self, words: str, step: int) -> None:
        """A hit of a search in all attempts: the words in that step."""
        self.action_tab("steps")
        self.find(words, step)
        self.enter(detail=True)

    def choose(self, key: Key) -> bool:
        """Put the cursor on an attempt; False where the filter hides it."""
        for place, row in enumerate(self.session.shown):
            if row.key == key:
                self.table.move_to(place)
                return True
        return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that asks for words is a letter where some are typed already."""
        if action in ("find", "filter") and isinstance(self.focused, Prompt):
            return False
        return super().check_action(action, parameters)

    # -- actions: moving -------------------------------------------------------------------

    def action_move(self, lines: int) -> None:
        """Down or up."""
        self.note = ""
        (self.detail if self.in_detail else self.table).move_by(lines)
        self._unstick()

    def action_page(self, share: float) -> None:
        """By pages."""
        (self.detail if self.in_detail else self.table).page(share)
        self._unstick()

    def action_end(self, last: bool) -> None:
        """To the first or the last."""
        target = self.detail if self.in_detail else self.table
        target.move_to(10**9 if last else 0)
        self._unstick()

    def _unstick(self) -> None:
        """Scrolling up lets go of the newest step; the end takes hold of it again."""
        if self.in_detail:
            live = self.session.reader is not None and self.session.reader.live
            if self.following and not self.detail.at_end:
                self.following = False
                self.redraw()
            elif live and self.detail.at_end and self.session.tab == "steps":
                self.following = True
                self.redraw()

    def action_step(self, direction: int) -> None:
        """To the next step."""
        self._jump(direction, lambda block: block.depth == 0)

    def action_failure(self, direction: int) -> None:
        """To the next failed step or test."""
        if self.session.tab not in ("steps", "tests"):
            self.action_tab("steps")
        if not self._jump(direction, lambda block: block.failed):
            self.say("no failure further on" if direction > 0 else "no failure before")

    def _jump(self, direction: int, wanted: Callable[[Block], bool]) -> bool:
        detail = self.detail
        blocks, here = detail.outline.blocks, detail.block
        if here is None:
            return False
        places = [n for n, block in enumerate(blocks) if wanted(block)]
        onward = [n for n in places if n > here] if direction > 0 else (
            [n for n in places if n < here][::-1]
        )  # fmt: skip
        if not onward:
            return False
        detail.go_to_block(onward[0])
        self.enter(detail=True)
        return True

    def action_instance(self, direction: int) -> None:
        """To the next attempt of the list."""
        self.table.move_by(direction)

    def action_failed(self, direction: int) -> None:
        """To the next attempt that failed."""
        rows, here = self.session.shown, self.table.cursor
        order = range(here + 1, len(rows)) if direction > 0 else range(here - 1, -1, -1)
        for place in order:
            if rows[place].failed:
                self.table.move_to(place)
                return
        self.say("no failed attempt further on" if direction > 0 else "no failed attempt before")

    def action_pane(self) -> None:
        """The other pane."""
        if self.in_detail:
            self.action_back()
        else:
            self.action_open()

    def action_open(self) -> None:
        """From the list to the detail; in the detail fold."""
        if self.in_detail:
            self.detail.toggle()
            self.redraw()
        elif self.table.row is not None:
            self.enter(detail=True)

    def action_back(self) -> None:
        """From the detail to the list."""
        self.detail.words = ""
        if self.finder.busy:
            self.finder = Finder()
        self.enter(detail=False)
        self.redraw()

    def action_tab(self, name: str) -> None:
        """Another tab."""
        self.keep_place()
        self.session.tab = name
        self.finder = Finder()
        self.show_detail()

    # -- actions: finding and folding -------------------------------------------------------

    def action_find(self) -> None:
        """Ask for words."""
        tab = TABS[self.session.tab]
        self.query_one(Prompt).ask("find", f"find in {tab}", self.finder.words)

    def action_filter(self) -> None:
        """Ask for a filter."""
        example = 'fail steps>40 text:"KeyError"'
        self.query_one(Prompt).ask("filter", example, self.session.filter.said)

    def action_hit(self, direction: int) -> None:
        """To the next hit."""
        place = self.detail.block
        self.finder.fit(self.detail.outline)
        hit = self.finder.next(direction, place or 0, -1)
        if hit is not None:
            self.enter(detail=True)
            self.detail.go_to(hit)
        self.say(self.finder.says)

    def action_narrow(self) -> None:
        """Only attempts that hold the words that are searched for."""
        words = self.finder.words
        if not words:
            self.say("nothing is searched for: / does")
            return
        quoted = words.replace('"', '\\"')
        self.set_filter(f'{self.session.filter.said} text:"{quoted}"'.strip())

    def action_sort(self) -> None:
        """By the next column."""
        self.session.next_order()
        self.show_rows()

    def action_reverse(self) -> None:
        """The other way round."""
        self.session.reverse = not self.session.reverse
        self.session.arrange()
        self.show_rows()

    def action_fold(self) -> None:
        """Fold a block, or mark a row."""
        if self.in_detail:
            self.detail.toggle()
        else:
            self.table.mark()
        self.redraw()

    def action_fold_all(self) -> None:
        """Open all, or close all where the first is open."""
        outline = self.detail.outline
        opened = not any(block.open for block in outline.blocks if block.depth == 0)
        outline.set_all(opened=opened)
        self.detail.changed()

    def action_part(self, name: str) -> None:
        """Open or close the parts of that name in all steps."""
        outline = self.detail.outline
        parts = [block for block in outline.blocks if block.name == name]
        opened = not all(block.open for block in parts)
        for block in parts:
            block.open = opened
        outline.lay_out()
        self.detail.changed()
        self.say(f"{name}: {'shown' if opened else 'folded'} in {len(parts)} steps")

    def action_whole(self) -> None:
        """All lines of a block."""
        self.detail.unlimit()

    def action_divergence(self) -> None:
        """Where the compared attempts part."""
        if self.session.tab != "compare":
            self.action_tab("compare")
        self.detail.move_to(0)
        if not self._jump(1, lambda block: block.failed):
            self.say("they do not part")

    def action_follow(self) -> None:
        """Hold on to the newest step."""
        self.following = not self.following
        if self.following:
            self.action_tab("steps")
        self.redraw()
