package build.kiln.runtime.differential;

import build.kiln.runtime.differential.Case.Accepted;
import build.kiln.runtime.differential.Case.ContextFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file of the corpus: cases one after another. A case is a head and files:
 *
 * <pre>
 * == name-of-the-case
 * # what it is about
 * build-arg: A=1                the head: a key and a value a line, some may be repeated
 * $ mkfifo pipe                 a command that makes what text cannot
 * -- Dockerfile
 * FROM scratch
 * COPY a /b/
 * -- a 0755                     a file, its mode if it is not 0644
 * its text
 * -- folder/                    an empty folder
 * -- link -> a                  a symbolic link
 * </pre>
 *
 * A line of a file's text that starts with {@code ==} or {@code --} and a space has a backslash
 * before it. Empty lines at the end of a text do not count.
 *
 * <p>Keys: {@code build-arg}, {@code label}, {@code target}, {@code file} (of the Dockerfile),
 * {@code platform}, {@code named} (a named context, as {@code name=folder}), {@code kiln-refuses}
 * and {@code buildkit-refuses} (a part of the message), {@code differs} (a row of
 * docs/dockerfile.md, a colon, a part of the difference).
 */
final class CorpusFile {
  private static final String CASE = "== ";
  private static final String FILE = "-- ";

  private final String name;
  private final List<String> lines;
  private int next;

  private CorpusFile(String name, List<String> lines) {
    this.name = name;
    this.lines = lines;
  }

  static List<Case> read(Path file) throws IOException {
    return new CorpusFile(String.valueOf(file.getFileName()), Files.readAllLines(file)).cases();
  }

  private List<Case> cases() {
    var cases = new ArrayList<Case>();
    while (next < lines.size() && !lines.get(next).startsWith(CASE)) {
      String line = lines.get(next++);
      if (!line.isBlank() && !line.startsWith("#")) {
        throw wrong("want a case, \"== name\", but found \"" + line + "\"");
      }
    }
    while (next < lines.size()) {
      cases.add(one());
    }
    return cases;
  }

  private Case one() {
    String where = name + ":" + (next + 1);
    var head = new Head(lines.get(next++).substring(CASE.length()).strip());
    while (next < lines.size() && !starts(FILE) && !starts(CASE)) {
      head.add(lines.get(next++));
    }
    while (next < lines.size() && starts(FILE)) {
      head.files.add(file());
    }
    return head.build(where);
  }

  private boolean starts(String prefix) {
    return lines.get(next).startsWith(prefix);
  }

  private ContextFile file() {
    String title = lines.get(next++).substring(FILE.length()).strip();
    var text = new ArrayList<String>();
    while (next < lines.size() && !starts(FILE) && !starts(CASE)) {
      String line = lines.get(next++);
      text.add(
          line.startsWith("\\" + CASE) || line.startsWith("\\" + FILE) ? line.substring(1) : line);
    }
    while (!text.isEmpty() && text.getLast().isBlank()) {
      text.removeLast();
    }
    int arrow = title.indexOf(" -> ");
    if (arrow > 0) {
      return new ContextFile(title.substring(0, arrow), -1, title.substring(arrow + 4), "");
    }
    int space = title.lastIndexOf(' ');
    boolean hasMode = space > 0 && title.substring(space + 1).matches("0[0-7]{3}");
    String content = text.isEmpty() ? "" : String.join("\n", text) + "\n";
    return hasMode
        ? new ContextFile(
            title.substring(0, space),
            Integer.parseInt(title, space + 1, title.length(), 8),
            null,
            content)
        : new ContextFile(title, -1, null, content);
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException("%s:%d: %s".formatted(name, next, what));
  }

  /** What is known of a case so far. */
  private final class Head {
    private final String caseName;
    private final Map<String, String> buildArgs = new LinkedHashMap<>();
    private final Map<String, String> labels = new LinkedHashMap<>();
    private final List<ContextFile> files = new ArrayList<>();
    private final List<String> commands = new ArrayList<>();
    private final List<Accepted> differences = new ArrayList<>();
    private final Map<String, String> contexts = new LinkedHashMap<>();
    private String dockerfile = "Dockerfile";
    private @Nullable String platform;
    private @Nullable String target;
    private @Nullable String refusedByKiln;
    private @Nullable String refusedByBuildKit;

    Head(String caseName) {
      this.caseName = caseName;
    }

    void add(String line) {
      if (line.isBlank() || line.startsWith("#")) {
        return;
      }
      if (line.startsWith("$ ")) {
        commands.add(line.substring(2));
        return;
      }
      String[] parts = split(line, ":");
      String value = parts[1].strip();
      switch (parts[0]) {
        case "build-arg" -> put(buildArgs, value);
        case "label" -> put(labels, value);
        case "platform" -> platform = value;
        case "named" -> put(contexts, value);
        case "target" -> target = value;
        case "file" -> dockerfile = value;
        case "kiln-refuses" -> refusedByKiln = value;
        case "buildkit-refuses" -> refusedByBuildKit = value;
        case "differs" -> {
          String[] accepted = split(value, ":");
          differences.add(new Accepted(accepted[0].strip(), accepted[1].strip()));
        }
        default -> throw wrong("unknown key \"" + parts[0] + "\"");
      }
    }

    private void put(Map<String, String> map, String assignment) {
      String[] parts = split(assignment, "=");
      map.put(parts[0], parts[1]);
    }

    private String[] split(String text, String separator) {
      String[] parts = text.split(separator, 2);
      if (parts.length != 2) {
        throw wrong("want \"%s\" in \"%s\"".formatted(separator, text));
      }
      return parts;
    }

    Case build(String where) {
      return new Case(
          caseName,
          where,
          dockerfile,
          target,
          buildArgs,
          labels,
          platform,
          contexts,
          files,
          commands,
          refusedByKiln,
          refusedByBuildKit,
          differences);
    }
  }
}
