package build.kiln.runtime.dockerfile;

import static build.kiln.runtime.dockerfile.Keyword.FlagKind.BOOLEAN;
import static build.kiln.runtime.dockerfile.Keyword.FlagKind.REPEATED;
import static build.kiln.runtime.dockerfile.Keyword.FlagKind.VALUE;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The language's instructions and the flags each takes. */
enum Keyword {
  ADD(
      Map.of(
          "chown", VALUE,
          "chmod", VALUE,
          "link", BOOLEAN,
          "exclude", REPEATED,
          "checksum", VALUE,
          "keep-git-dir", BOOLEAN,
          "unpack", BOOLEAN)),
  ARG,
  CMD,
  COPY(
      Map.of(
          "from", VALUE,
          "chown", VALUE,
          "chmod", VALUE,
          "link", BOOLEAN,
          "parents", BOOLEAN,
          "exclude", REPEATED)),
  ENTRYPOINT,
  ENV,
  EXPOSE,
  FROM(Map.of("platform", VALUE)),
  HEALTHCHECK(
      Map.of(
          "interval", VALUE,
          "timeout", VALUE,
          "start-period", VALUE,
          "start-interval", VALUE,
          "retries", VALUE)),
  LABEL,
  MAINTAINER,
  ONBUILD,
  RUN(Map.of("mount", REPEATED, "network", VALUE, "security", VALUE, "device", REPEATED)),
  SHELL,
  STOPSIGNAL,
  USER,
  VOLUME,
  WORKDIR;

  /** What may stand after a flag's name. */
  enum FlagKind {
    /** {@code --name}, {@code --name=true} or {@code --name=false}. */
    BOOLEAN,
    /** {@code --name=value}, once. */
    VALUE,
    /** {@code --name=value}, any number of times. */
    REPEATED
  }

  @SuppressWarnings("ImmutableEnumChecker") // Only ever made by Map.of.
  private final Map<String, FlagKind> flags;

  Keyword() {
    this(Map.of());
  }

  Keyword(Map<String, FlagKind> flags) {
    this.flags = flags;
  }

  /** The flags by name, without the dashes. */
  Map<String, FlagKind> flags() {
    return flags;
  }

  /** The keyword of that name in any case. */
  static Optional<Keyword> of(String name) {
    String upper = name.toUpperCase(Locale.ROOT);
    return Arrays.stream(values()).filter(k -> k.name().equals(upper)).findFirst();
  }

  static List<String> names() {
    return Arrays.stream(values()).map(Enum::name).toList();
  }

  /** Whether here-documents may follow it. */
  boolean takesHeredocs() {
    return this == ADD || this == COPY || this == RUN;
  }
}
