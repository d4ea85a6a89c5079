"""Stand-alone templates about times and dates as plain numbers."""

from __future__ import annotations

from cwm_agent.generated.templates.pools import args, signed_int, small_int
from cwm_agent.generated.templates.standalone.makers import choose, list_of, number, span
from cwm_agent.generated.templates.standalone.writer import writer

_t = writer("times")
_hour = choose(0, 1, 5, 8, 9, 11, 12, 13, 17, 18, 22, 23)
_minute = choose(0, 1, 5, 15, 30, 45, 59)
_year = choose(1600, 1900, 1999, 2000, 2001, 2004, 2023, 2024, 2100, 2400)

TEMPLATES = (
    _t(
        args(_hour, _minute),
        """
        minutes_of_day minutes_since_midnight (HOURS, MINUTES)
        Minutes since midnight at this time of day.
        return HOURS * 60 + MINUTES
        """,
    ),
    _t(
        args(choose(0, 5, 59, 60, 61, 119, 120, 3599, 3600, 3661, 86399)),
        """
        clock_text format_seconds as_clock (SECONDS)
        Formats SECONDS as hours, minutes and seconds of two digits, separated by colons.
        HOURS = SECONDS // 3600
        MINUTES = SECONDS % 3600 // 60
        return f'{HOURS:02d}:{MINUTES:02d}:{SECONDS % 60:02d}'
        """,
    ),
    _t(
        args(_year),
        """
        is_leap_year leap_year has_leap_day (YEAR)
        True if YEAR is a multiple of 4 but not of 100, or a multiple of 400.
        return YEAR % 4 == 0 and YEAR % 100 != 0 or YEAR % 400 == 0
        """,
    ),
    _t(
        args(_year, choose(1, 2, 2, 2, 4, 5, 6, 9, 11, 12)),
        """
        days_in_month month_length (YEAR, MONTH)
        Number of days of MONTH from 1 to 12; February has 29 if 4 divides YEAR.
        if MONTH == 2:
            return 29 if YEAR % 4 == 0 else 28
        if MONTH in (4, 6, 9, 11):
            return 30
        return 31
        """,
    ),
    _t(
        args(_hour, _minute, choose(0, 5, 15, 30, 60, 90, 720, 1440)),
        """
        add_minutes later_time shift_time (HOURS, MINUTES, N)
        Hour and minute that are N minutes later; after midnight it begins at 0 again.
        TOTAL = HOURS * 60 + MINUTES + N
        return TOTAL // 60 % 24, TOTAL % 60
        """,
    ),
    _t(
        args(_hour, _minute),
        """
        twelve_hours to_am_pm half_day_clock (HOURS, MINUTES)
        Time with hours from 1 to 12 and am before noon, pm from noon on.
        SUFFIX = 'am' if HOURS < 12 else 'pm'
        HOURS2 = HOURS % 12 or 12
        return f'{HOURS2}:{MINUTES:02d} {SUFFIX}'
        """,
    ),
    _t(
        args(number(0, 6), number(0, 20)),
        """
        weekday_after day_after later_weekday (DAY, N)
        Day of the week, from 0 to 6, that is N days after DAY.
        return (DAY + N) % 7
        """,
    ),
    _t(
        args(number(0, 6)),
        """
        is_weekend free_day weekend_day (DAY)
        True for the days 5 and 6 of a week that begins with day 0.
        return DAY >= 5
        """,
    ),
    _t(
        args(number(0, 6), number(0, 20)),
        """
        count_workdays workdays working_days (DAY, N)
        Number of days less than 5 modulo 7 among N days beginning with DAY.
        COUNT = 0
        for I in range(N):
            if (DAY + I) % 7 < 5:
                COUNT += 1
        return COUNT
        """,
    ),
    _t(
        args(_hour, choose(8, 9, 10), choose(17, 18, 12)),
        """
        is_open shop_open in_opening_hours (HOURS, START, END)
        True from hour START, inclusive, to hour END, exclusive.
        return START <= HOURS < END
        """,
    ),
    _t(
        args(choose(5, 8, 9, 22, 23), choose(8, 9, 22), choose(5, 8, 22)),
        """
        in_night_shift within_hours (HOURS, START, END)
        True if HOURS is at least START and less than END, a span that may pass midnight.
        if START <= END:
            return START <= HOURS < END
        return HOURS >= START or HOURS < END
        """,
    ),
    _t(
        args(choose(0, 1, 59, 60, 61, 90, 119, 120, 150, 600)),
        """
        duration_text human_minutes (MINUTES)
        Text with hours and minutes, only minutes if less than an hour.
        if MINUTES < 60:
            return f'{MINUTES}m'
        return f'{MINUTES // 60}h {MINUTES % 60}m'
        """,
    ),
    _t(
        args(choose(0, 1, 59, 60, 61, 119, 3599, 3600, 7199, 86400)),
        """
        time_ago age_text (SECONDS)
        Age in whole seconds, minutes or hours: the largest unit of which there is at least one.
        if SECONDS >= 3600:
            return f'{SECONDS // 3600} hours'
        if SECONDS >= 60:
            return f'{SECONDS // 60} minutes'
        return f'{SECONDS} seconds'
        """,
    ),
    _t(
        args(number(2000, 2010), number(6, 7), number(10, 12), number(6, 7), number(10, 12)),
        """
        age_on years_old full_years (YEAR, MONTH, DAY, MONTH2, DAY2)
        Full years from a birthday to a day in 2020; the birthday itself counts.
        N = 2020 - YEAR
        if (MONTH2, DAY2) < (MONTH, DAY):
            N -= 1
        return N
        """,
    ),
    _t(
        args(number(2000, 2003), number(1, 12), number(0, 14)),
        """
        add_months months_later (YEAR, MONTH, N)
        Year and month, from 1 to 12, that come N months later.
        TOTAL = YEAR * 12 + MONTH - 1 + N
        return TOTAL // 12, TOTAL % 12 + 1
        """,
    ),
    _t(
        args(number(1, 12)),
        """
        quarter quarter_of which_quarter (MONTH)
        Quarter of the year, from 1 to 4, of a month from 1 to 12.
        return (MONTH - 1) // 3 + 1
        """,
    ),
    _t(
        args(choose("09:30", "00:00", "23:59", "12:05", "7:00", "08:15")),
        """
        parse_clock clock_to_minutes read_time (TEXT)
        Minutes since midnight of a text with hours and minutes separated by a colon.
        HOURS, MINUTES = TEXT.split(':')
        return int(HOURS) * 60 + int(MINUTES)
        """,
    ),
    _t(
        args(list_of(span(0, 9), 0, 4)),
        """
        busy_time total_duration time_spent (PAIRS)
        Sum of end minus start of all tuples in PAIRS.
        TOTAL = 0
        for START, END in PAIRS:
            TOTAL += END - START
        return TOTAL
        """,
    ),
    _t(
        args(small_int, signed_int),
        """
        days_late overdue_days delay (DAY, DAY2)
        Number of days by which DAY2 is after the due DAY; 0 if it is not.
        if DAY2 <= DAY:
            return 0
        return DAY2 - DAY
        """,
    ),
)
