package build.kiln.runtime.dockerfile;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the directives. They come first: the first line that is no known {@code # key=value} ends
 * them, so later ones are plain comments.
 */
final class DirectiveReader {
  private static final Pattern FORM =
      Pattern.compile(
          "[\\s\\u0085\\u00a0]*#[\\s\\u0085\\u00a0]*([a-zA-Z][a-zA-Z0-9]*)\\s*=\\s*(.+?)\\s*");
  private static final Set<String> KNOWN = Set.of("syntax", "escape", "check");
  private static final List<String> BUILT_IN =
      List.of(
          "docker/dockerfile", "docker.io/docker/dockerfile", "index.docker.io/docker/dockerfile");

  /**
   * @param problems where to add what is wrong
   */
  static Directives read(SourceFile source, List<Problem> problems) {
    Map<String, Word> found = scan(source, 1, problems);
    char escape = escape(found.get("escape"), problems);
    int lines = found.size();
    if (source.line(1).startsWith("#!")) {
      // A first line for the kernel hides an escape directive, but neither syntax nor check.
      found = scan(source, 2, problems);
      lines = 1 + found.size();
    }
    Word syntax = found.get("syntax");
    if (syntax != null) {
      frontendProblem(syntax).ifPresent(problems::add);
    }
    return new Directives(syntax, escape, found.get("check"), lines);
  }

  private static Map<String, Word> scan(SourceFile source, int first, List<Problem> problems) {
    var found = new HashMap<String, Word>();
    for (int number = first; number <= source.lineCount(); number++) {
      String line = source.line(number);
      Matcher form = FORM.matcher(line);
      if (!form.matches()) {
        break;
      }
      String key = form.group(1).toLowerCase(Locale.ROOT);
      if (!KNOWN.contains(key)) {
        break;
      }
      Word value = new Word(form.group(2), range(source, number, form.start(2), form.end(2)));
      if (found.putIfAbsent(key, value) != null) {
        problems.add(
            new Problem(
                Problem.Code.SYNTAX,
                range(source, number, form.start(1), form.end(2)),
                "only one " + key + " parser directive can be used",
                "remove one of them"));
      }
    }
    return found;
  }

  private static SourceRange range(SourceFile source, int number, int from, int to) {
    var line = new LogicalLine(source);
    line.append(number, 0, source.line(number).length());
    return line.range(from, to);
  }

  private static char escape(@Nullable Word word, List<Problem> problems) {
    if (word == null || word.text().equals("\\")) {
      return '\\';
    }
    if (!word.text().equals("`")) {
      problems.add(
          new Problem(
              Problem.Code.SYNTAX,
              word.range(),
              "invalid escape character \"" + word.text() + "\"",
              "it can be ` or \\"));
      return '\\';
    }
    return '`';
  }

  /** What to say of a front end that is not the built-in one. */
  static Optional<Problem> frontendProblem(Word syntax) {
    String image = syntax.text().split("\\s", 2)[0];
    int digest = image.indexOf('@');
    String name = digest < 0 ? image : image.substring(0, digest);
    int tag = name.lastIndexOf(':');
    if (tag > name.lastIndexOf('/')) {
      name = name.substring(0, tag);
    }
    return BUILT_IN.contains(name)
        ? Optional.empty()
        : Optional.of(
            new Problem(
                Problem.Code.UNSUPPORTED_FRONTEND,
                syntax.range(),
                "the front end " + image + " is not supported",
                "Kiln runs no front end images; it has docker/dockerfile built in"));
  }

  private DirectiveReader() {}
}
