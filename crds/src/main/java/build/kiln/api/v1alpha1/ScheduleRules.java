package build.kiln.api.v1alpha1;

/** What the API server checks of schedules. A day that never comes, only the operator sees. */
final class ScheduleRules {
  private static final String MONTH =
      "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)";
  private static final String MINUTES = "[0-5]?[0-9]";
  private static final String HOURS = "([01]?[0-9]|2[0-3])";
  private static final String DAYS = "(0?[1-9]|[12][0-9]|3[01])";
  private static final String WEEKDAYS = "([0-7]|sun|mon|tue|wed|thu|fri|sat)";

  /** Begins and ends what is common to all fields: a list of ranges with steps. */
  private static final String ITEM = "([*]|[?]|";

  private static final String STEP = ")(/[1-9][0-9]?)?";

  private static final String MINUTE_ITEM = ITEM + MINUTES + "(-" + MINUTES + ")?" + STEP;
  private static final String HOUR_ITEM = ITEM + HOURS + "(-" + HOURS + ")?" + STEP;
  private static final String DAY_ITEM = ITEM + DAYS + "(-" + DAYS + ")?" + STEP;
  private static final String MONTH_ITEM = ITEM + MONTH + "(-" + MONTH + ")?" + STEP;
  private static final String WEEKDAY_ITEM = ITEM + WEEKDAYS + "(-" + WEEKDAYS + ")?" + STEP;

  /** Of a schedule. */
  static final String SCHEDULE =
      "self.matches('(?i)^(@(hourly|daily|weekly|monthly|yearly|midnight|annually)|"
          + (MINUTE_ITEM + "(," + MINUTE_ITEM + ")* +")
          + (HOUR_ITEM + "(," + HOUR_ITEM + ")* +")
          + (DAY_ITEM + "(," + DAY_ITEM + ")* +")
          + (MONTH_ITEM + "(," + MONTH_ITEM + ")* +")
          + (WEEKDAY_ITEM + "(," + WEEKDAY_ITEM + ")*")
          + ")$')";

  static final String SCHEDULE_MESSAGE =
      "schedule must be five cron fields (minute 0-59, hour 0-23, day 1-31, month 1-12, day of week 0-7) such as \"30 2 * * *\", or one of @hourly, @daily, @weekly, @monthly, @yearly";

  /** Of the zone of a schedule. */
  static final String TIME_ZONE = "self.matches('^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$')";

  static final String TIME_ZONE_MESSAGE = "timeZone must be a name such as Europe/Zurich or UTC";

  private ScheduleRules() {}
}
