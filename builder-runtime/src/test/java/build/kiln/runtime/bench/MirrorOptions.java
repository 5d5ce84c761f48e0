package build.kiln.runtime.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What the command line says; {@code builder-runtime/benchmarks/README.md} has the words.
 *
 * @param scratch a folder that is ours
 * @param link a slow one instead of loopback
 */
record MirrorOptions(
    Path scratch,
    int rounds,
    Pattern only,
    List<String> tools,
    boolean large,
    Optional<SlowLink.Kind> link) {
  private static final List<String> TOOLS = List.of("kiln", "skopeo", "crane", "regsync");
  private static final SlowLink.Kind LINK = new SlowLink.Kind(50, 0.001);

  /**
   * @param words all others
   * @throws Options.UsageException for words that mean nothing here
   */
  static MirrorOptions parse(Path scratch, List<String> words) throws Options.UsageException {
    int rounds = 5;
    Pattern only = Pattern.compile(".*");
    List<String> tools = TOOLS;
    boolean large = false;
    Optional<SlowLink.Kind> link = Optional.empty();
    var rest = words.iterator();
    while (rest.hasNext()) {
      String word = rest.next();
      switch (word) {
        case "--large" -> large = true;
        case "--link" -> link = Optional.of(LINK);
        case "--rounds" -> rounds = Options.rounds(value(word, rest));
        case "--only" -> only = pattern(value(word, rest));
        case "--tools" -> tools = List.of(value(word, rest).split(",", -1));
        default -> throw new Options.UsageException(word + " is unknown");
      }
    }
    for (String tool : tools) {
      if (!TOOLS.contains(tool)) {
        throw new Options.UsageException("--tools: " + tool + " is none of " + TOOLS);
      }
    }
    return new MirrorOptions(scratch, rounds, only, tools, large, link);
  }

  private static String value(String word, java.util.Iterator<String> rest)
      throws Options.UsageException {
    if (!rest.hasNext()) {
      throw new Options.UsageException(word + " lacks its value");
    }
    return rest.next();
  }

  private static Pattern pattern(String value) throws Options.UsageException {
    try {
      return Pattern.compile(value);
    } catch (PatternSyntaxException e) {
      throw new Options.UsageException("--only: " + e.getMessage());
    }
  }
}
