package build.kiln.runtime.check;

import java.util.Arrays;
import java.util.Optional;

/** The rules, named as BuildKit's documentation of build checks has them. */
public enum Rule {
  StageNameCasing("stage names should be in lower case", "write the name in lower case"),
  FromAsCasing(
      "AS should have the case of its FROM", "write both in upper case, or both in lower case"),
  NoEmptyContinuation(
      "empty lines in a continued instruction will become errors", "remove the empty line"),
  ConsistentInstructionCasing(
      "all instructions should have one case", "write it as most others are"),
  DuplicateStageName("stage names should be unique", "give one of the stages another name"),
  ReservedStageName("reserved words should not be stage names", "give the stage another name"),
  JSONArgsRecommended(
      "a shell form runs below a shell, which keeps signals from it",
      "write it as a JSON array: [\"program\", \"argument\"]"),
  MaintainerDeprecated(
      "MAINTAINER is deprecated", "use LABEL org.opencontainers.image.authors=\"...\""),
  UndefinedArgInFrom("FROM should use declared arguments", "declare it by ARG before the FROM"),
  WorkdirRelativePath(
      "a relative WORKDIR depends on the base image", "start the path with a slash"),
  UndefinedVar("variables should be defined before they are used", "declare it by ARG or ENV"),
  MultipleInstructionsDisallowed(
      "only the last one in a stage has an effect", "remove all but the last"),
  LegacyKeyValueFormat("name and value should be joined by =", "write name=value"),
  RedundantTargetPlatform(
      "$TARGETPLATFORM is the platform of FROM anyway", "remove the --platform flag"),
  SecretsUsedInArgOrEnv(
      "arguments and environment are readable in the image",
      "use RUN --mount=type=secret, or a Secret when the container runs"),
  InvalidDefaultArgInFrom(
      "the base's name should be valid with the arguments' defaults",
      "give the ARG a default that makes a valid name"),
  FromPlatformFlagConstDisallowed(
      "a constant platform makes an image of that platform only",
      "use $BUILDPLATFORM, or remove the --platform flag"),
  CopyIgnoredFile(
      "the ignore file leaves out what is copied", "copy another path, or change the ignore file"),
  ExposeProtoCasing("protocols in EXPOSE should be in lower case", "write tcp, udp or sctp"),
  ExposeInvalidFormat(
      "EXPOSE takes a container's ports, not addresses or mappings", "write port or port/protocol"),
  InvalidDefinitionDescription(
      "a comment right before an ARG or a stage describes it, and should begin with its name",
      "begin it with the name, or put an empty line between",
      true);

  private final String description;
  private final String fix;
  private final boolean experimental;

  Rule(String description, String fix) {
    this(description, fix, false);
  }

  Rule(String description, String fix, boolean experimental) {
    this.description = description;
    this.fix = fix;
    this.experimental = experimental;
  }

  /** Whether it is off unless it is asked for by name, or with all that are experimental. */
  public boolean experimental() {
    return experimental;
  }

  /** Why, in one line. */
  public String description() {
    return description;
  }

  /** What to do about it, in one line. */
  public String fix() {
    return fix;
  }

  /** The rule of this name, whatever its case. */
  public static Optional<Rule> of(String name) {
    return Arrays.stream(values()).filter(rule -> rule.name().equalsIgnoreCase(name)).findFirst();
  }
}
