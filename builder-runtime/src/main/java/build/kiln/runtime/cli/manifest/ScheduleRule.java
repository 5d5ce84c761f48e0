package build.kiln.runtime.cli.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.function.Predicate;

/** The CRDs' rule for schedules, which is made of its fields as the text of the rule is. */
final class ScheduleRule {
  private static final String MINUTES = "[0-5]?[0-9]";
  private static final String HOURS = "([01]?[0-9]|2[0-3])";
  private static final String DAYS = "(0?[1-9]|[12][0-9]|3[01])";
  private static final String MONTHS =
      "(0?[1-9]|1[0-2]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)";
  private static final String WEEKDAYS = "([0-7]|sun|mon|tue|wed|thu|fri|sat)";

  private static final String FIELDS =
      "(?i)^(@(hourly|daily|weekly|monthly|yearly|midnight|annually)|"
          + field(MINUTES)
          + " +"
          + field(HOURS)
          + " +"
          + field(DAYS)
          + " +"
          + field(MONTHS)
          + " +"
          + field(WEEKDAYS)
          + ")";

  static final Map.Entry<String, Predicate<JsonNode>> ROW =
      Map.entry("self.matches('" + FIELDS + "$')", Rules.matches(FIELDS + "\\z"));

  private ScheduleRule() {}

  /** A list of ranges with steps. */
  private static String field(String value) {
    String item = "([*]|[?]|" + value + "(-" + value + ")?)(/[1-9][0-9]?)?";
    return item + "(," + item + ")*";
  }
}
