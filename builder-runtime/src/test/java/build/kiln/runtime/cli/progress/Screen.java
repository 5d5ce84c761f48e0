package build.kiln.runtime.cli.progress;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a terminal shows after some output: text, line ends, cursor up, clear below, colours. */
final class Screen {
  private static final Pattern PART =
      Pattern.compile("\u001b\\[([0-9]*)([A-Za-z])|(\r)|(\n)|([^\u001b\r\n]+)");

  private Screen() {}

  static List<String> of(String output) {
    List<StringBuilder> lines = new ArrayList<>(List.of(new StringBuilder()));
    int row = 0;
    int column = 0;
    Matcher part = PART.matcher(output);
    while (part.find()) {
      if (part.group(3) != null) {
        column = 0;
      } else if (part.group(4) != null) {
        row++;
        column = 0;
        if (row == lines.size()) {
          lines.add(new StringBuilder());
        }
      } else if (part.group(5) != null) {
        StringBuilder line = lines.get(row);
        while (line.length() < column) {
          line.append(' ');
        }
        line.replace(
            column, Math.min(line.length(), column + part.group(5).length()), part.group(5));
        column += part.group(5).length();
      } else {
        switch (part.group(2)) {
          case "A" -> row = Math.max(0, row - Integer.parseInt(part.group(1)));
          case "J" -> {
            lines.subList(row + 1, lines.size()).clear();
            lines.get(row).setLength(column);
          }
          case "m" -> {}
          default -> throw new AssertionError("unknown sequence " + part.group());
        }
      }
    }
    return lines.stream().map(line -> line.toString().stripTrailing()).toList();
  }
}
