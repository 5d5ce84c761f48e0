package build.kiln.runtime.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * What the command line says; {@code builder-runtime/benchmarks/README.md} has the words.
 *
 * @param scratch a folder that is ours, for disk images and programs
 * @param base an image instead of the one that is made
 * @param runtime the OCI runtime of BuildKit's steps, instead of the one that is chosen
 * @param isolation Buildah's
 */
record Options(
    Path scratch,
    int rounds,
    Pattern only,
    List<String> builders,
    boolean large,
    Optional<String> base,
    Optional<String> runtime,
    String isolation) {

  private static final List<String> BUILDERS = List.of("kiln", "buildkit", "buildah", "kaniko");

  /** Thrown for words that mean nothing here. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  /**
   * @param scratch see above
   * @param words all others
   */
  static Options parse(Path scratch, List<String> words) throws UsageException {
    int rounds = 5;
    Pattern only = Pattern.compile(".*");
    List<String> builders = BUILDERS;
    boolean large = false;
    Optional<String> base = Optional.empty();
    Optional<String> runtime = Optional.empty();
    String isolation = "chroot";
    var rest = words.iterator();
    while (rest.hasNext()) {
      String word = rest.next();
      if (word.equals("--large")) {
        large = true;
        continue;
      }
      if (!rest.hasNext()) {
        throw new UsageException(word + " is unknown or lacks its value");
      }
      String value = rest.next();
      switch (word) {
        case "--rounds" -> rounds = rounds(value);
        case "--only" -> only = pattern(value);
        case "--builders" -> builders = builders(value);
        case "--base" -> base = Optional.of(value);
        case "--buildkit-runtime" -> runtime = Optional.of(value);
        case "--buildah-isolation" -> isolation = value;
        default -> throw new UsageException(word + " is unknown");
      }
    }
    return new Options(scratch, rounds, only, builders, large, base, runtime, isolation);
  }

  private static Pattern pattern(String value) throws UsageException {
    try {
      return Pattern.compile(value);
    } catch (PatternSyntaxException e) {
      throw new UsageException("--only: " + e.getMessage());
    }
  }

  private static List<String> builders(String value) throws UsageException {
    List<String> builders = List.of(value.split(",", -1));
    for (String builder : builders) {
      if (!BUILDERS.contains(builder)) {
        throw new UsageException("--builders: " + builder + " is none of " + BUILDERS);
      }
    }
    return builders;
  }

  static int rounds(String value) throws UsageException {
    try {
      int rounds = Integer.parseInt(value);
      if (rounds > 0) {
        return rounds;
      }
    } catch (NumberFormatException e) {
      // the same words as for a number that is none of rounds
    }
    throw new UsageException("--rounds wants a number from 1 on, not " + value);
  }
}
