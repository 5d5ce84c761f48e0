package build.kiln.runtime.dockerfile;

import build.kiln.runtime.dockerfile.Keyword.FlagKind;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** An instruction's flags, checked against what it takes. */
final class FlagSet {
  private final List<Flag> flags;

  /**
   * @throws DockerfileException if a flag is unknown, given twice, or lacks its value
   */
  FlagSet(Keyword keyword, List<Flag> flags) {
    this.flags = flags;
    var seen = new HashSet<String>();
    for (Flag flag : flags) {
      FlagKind kind = keyword.flags().get(flag.name());
      if (kind == null) {
        throw unknown(keyword, flag);
      }
      if (!seen.add(flag.name()) && kind != FlagKind.REPEATED) {
        throw bad(flag, "the flag --" + flag.name() + " is given twice", "remove one of them");
      }
      checkValue(flag, kind);
    }
  }

  private static void checkValue(Flag flag, FlagKind kind) {
    if (kind != FlagKind.BOOLEAN) {
      if (flag.value() == null) {
        throw bad(
            flag, "the flag --" + flag.name() + " lacks its value", "--" + flag.name() + "=VALUE");
      }
    } else if (flag.value() != null && !isBoolean(flag.value().text())) {
      throw bad(
          flag,
          "the flag --" + flag.name() + " is true or false, not \"" + flag.value() + "\"",
          null);
    }
  }

  private static boolean isBoolean(String value) {
    return Set.of("true", "false").contains(value.toLowerCase(Locale.ROOT));
  }

  private static DockerfileException unknown(Keyword keyword, Flag flag) {
    Set<String> own = keyword.flags().keySet();
    Optional<String> nearest = Suggestions.nearest(flag.name(), own);
    String others =
        Arrays.stream(Keyword.values())
            .filter(k -> k.flags().containsKey(flag.name()))
            .map(Enum::name)
            .collect(Collectors.joining(" and "));
    String hint =
        nearest
            .map(n -> "did you mean --" + n + "?")
            .orElse(
                others.isEmpty()
                    ? own.isEmpty()
                        ? keyword + " takes no flags"
                        : keyword
                            + " takes "
                            + own.stream()
                                .sorted()
                                .map(n -> "--" + n)
                                .collect(Collectors.joining(", "))
                    : "it is a flag of " + others);
    return new DockerfileException(
        Problem.Code.UNKNOWN_FLAG,
        flag.range(),
        "unknown flag for " + keyword + ": --" + flag.name(),
        hint);
  }

  static DockerfileException bad(Flag flag, String message, @Nullable String hint) {
    return new DockerfileException(Problem.Code.BAD_ARGUMENT, flag.range(), message, hint);
  }

  /** The flag's value; one that is empty counts as not given. */
  @Nullable Word value(String name) {
    return flags.stream()
        .filter(f -> f.name().equals(name))
        .map(Flag::value)
        .filter(v -> v != null && !v.isEmpty())
        .findFirst()
        .orElse(null);
  }

  List<Word> values(String name) {
    return flags.stream()
        .filter(f -> f.name().equals(name))
        .flatMap(f -> Optional.ofNullable(f.value()).stream())
        .toList();
  }

  boolean isSet(String name) {
    return Boolean.TRUE.equals(choice(name));
  }

  /** What a boolean flag says, or null if it is not given. */
  @Nullable Boolean choice(String name) {
    for (Flag flag : flags) {
      if (flag.name().equals(name)) {
        return flag.value() == null || flag.value().text().equalsIgnoreCase("true");
      }
    }
    return null;
  }
}
