/* Dates as numbers. */
#include "io/csv_table.h"

/* `count` digits; -1: there are others. */
static int digits(const char **text, int count) {
    int value = 0;
    for (int i = 0; i < count; i++, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        value = 10 * value + (**text - '0');
    }
    return value;
}

/* Days since 1970-01-01 in the Gregorian calendar: years begin with March, so that the leap day is
 * the last one. */
static double days_of(int year, int month, int day) {
    const int y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return 365.0 * y + (double)(y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1) - 719468;
}

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* " 12:30", ":05.25", "Z" or "+01:00" behind the day: seconds of the day in UTC. */
static bool read_time(const char **text, double *seconds) {
    if (**text != 'T' && **text != ' ')
        return !**text;
    ++*text;
    const int hour = digits(text, 2), colon = *(*text)++ == ':', minute = digits(text, 2);
    if (hour < 0 || hour > 23 || !colon || minute < 0 || minute > 59)
        return false;
    *seconds = 3600.0 * hour + 60.0 * minute;
    if (**text == ':') {
        ++*text;
        const int second = digits(text, 2);
        if (second < 0 || second > 60)
            return false;
        *seconds += second;
        double share = 0.1;
        if (**text == '.')
            for (++*text; **text >= '0' && **text <= '9'; ++*text, share /= 10)
                *seconds += share * (**text - '0');
    }
    if (**text == 'Z')
        return !*++*text;
    if (**text != '+' && **text != '-')
        return !**text;
    const double sign = *(*text)++ == '+' ? 1 : -1;
    const int hours = digits(text, 2);
    *text += **text == ':';
    const int minutes = digits(text, 2);
    *seconds -= sign * (3600.0 * hours + 60.0 * minutes);
    return hours >= 0 && minutes >= 0 && !**text;
}

bool ls_csv_date(const char *text, enum ls_date_rule rule, double *value) {
    double seconds = 0;
    const int year = digits(&text, 4);
    const bool first = year >= 1 && *text == '-';
    text += first;
    const int month = first ? digits(&text, 2) : -1;
    const bool second = month >= 1 && month <= 12 && *text == '-';
    text += second;
    const int day = second ? digits(&text, 2) : -1;
    if (day < 1 || day > month_days(year, month) || !read_time(&text, &seconds))
        return false;
    const double days = days_of(year, month, day) + seconds / 86400;
    double whole = (double)(int64_t)days; /* midnight in UTC of that day */
    whole -= whole > days;
    switch (rule) {
    case LS_DATE_DAYS:
        *value = days;
        break;
    case LS_DATE_HOUR:
        *value = (days - whole) * 24;
        break;
    case LS_DATE_WEEKDAY: /* 1970-01-01 was a Thursday */
        *value = (double)((((int64_t)whole + 3) % 7 + 7) % 7);
        break;
    case LS_DATE_DAY_OF_YEAR: {
        const double begin = days_of(year, 1, 1);
        *value = whole - begin + 1;
        if (whole < begin)
            *value = 365 + is_leap(year - 1);
        else if (whole - begin >= 365 + is_leap(year))
            *value = 1;
        break;
    }
    case LS_DATE_YEAR:
        *value = whole < days_of(year, 1, 1)        ? year - 1
                 : whole >= days_of(year + 1, 1, 1) ? year + 1
                                                    : year;
        break;
    }
    return true;
}
