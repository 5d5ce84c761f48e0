package build.kiln.runtime.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Options of the form NAME=VALUE. */
final class Assignments {
  private Assignments() {}

  static Map<String, String> parse(String option, List<String> texts) throws CommandFailure {
    var values = new LinkedHashMap<String, String>();
    for (String text : texts) {
      add(option, text, values);
    }
    return values;
  }

  /**
   * @param environment where a NAME alone gets its value; one that is not there is passed over
   */
  static Map<String, String> parse(
      String option, List<String> texts, Map<String, String> environment) throws CommandFailure {
    var values = new LinkedHashMap<String, String>();
    for (String text : texts) {
      if (text.isEmpty() || text.indexOf('=') >= 0) {
        add(option, text, values);
      } else if (environment.containsKey(text)) {
        values.put(text, environment.getOrDefault(text, ""));
      }
    }
    return values;
  }

  private static void add(String option, String text, Map<String, String> values)
      throws CommandFailure {
    int equals = text.indexOf('=');
    if (equals <= 0) {
      throw CommandFailure.usage("%s \"%s\": want NAME=VALUE".formatted(option, text));
    }
    values.put(text.substring(0, equals), text.substring(equals + 1));
  }
}
