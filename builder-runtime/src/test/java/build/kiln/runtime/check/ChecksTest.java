package build.kiln.runtime.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.dockerfile.Dockerfile;
import build.kiln.runtime.dockerfile.DockerfileException;
import build.kiln.runtime.dockerfile.GlobalArguments;
import build.kiln.runtime.dockerfile.IgnoreFile;
import build.kiln.runtime.dockerfile.SourceFile;
import build.kiln.runtime.dockerfile.StageGraph;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What BuildKit 0.34 says of the same Dockerfiles, line by line. */
class ChecksTest {
  /** {@code line:column Rule: detail}. */
  private static List<String> check(String text, Map<String, String> buildArgs) {
    Dockerfile dockerfile = Dockerfile.parse("Dockerfile", text);
    Map<String, String> predefined =
        Map.of("TARGETPLATFORM", "linux/amd64", "BUILDPLATFORM", "linux/amd64");
    GlobalArguments globals = GlobalArguments.resolve(dockerfile, predefined, buildArgs);
    var input =
        new Checks.Input(
            dockerfile,
            StageGraph.of(dockerfile, globals),
            globals,
            GlobalArguments.resolve(dockerfile, predefined, Map.of()),
            buildArgs,
            IgnoreFile.parse(SourceFile.of(".dockerignore", "secret.txt\nd/*\n!d/keep\nall\n")),
            named ->
                named.name().text().startsWith("unknown")
                    ? Optional.empty()
                    : Optional.of(Map.of("PATH", "/bin")));
    return Checks.run(input, Checks.options(dockerfile, buildArgs)).stream()
        .map(
            f ->
                "%d:%d %s: %s"
                    .formatted(
                        f.range().startLine(), f.range().startColumn(), f.rule(), f.detail()))
        .toList();
  }

  private record Case(String instructions, String... findings) {
    @Override
    public String toString() {
      return instructions.strip().replace("\n", "\\n");
    }
  }

  private static final String SIGNALS =
      "JSON arguments recommended for %s to prevent unintended behavior related to OS signals";
  private static final String ONCE =
      "Multiple %s instructions should not be used in the same stage because only the last one will be used";
  private static final String SENSITIVE =
      "Do not use ARG or ENV instructions for sensitive data (%s \"%s\")";

  static List<Case> cases() {
    return List.of(
        new Case("FROM busybox:1\nRUN echo a\nCMD [\"echo\", \"a\"]"),
        new Case(
            "FROM busybox AS One\n", "1:17 StageNameCasing: Stage name 'One' should be lowercase"),
        new Case(
            "FROM busybox as one\n",
            "1:14 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"),
        new Case("from busybox as one\nrun true\n"),
        new Case(
            "FROM busybox\nrun true\nCOPY a b\n",
            "2:1 ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)"),
        new Case(
            "from busybox\nRun true\ncopy a b\n",
            "2:1 ConsistentInstructionCasing: Command 'Run' should match the case of the command majority (lowercase)"),
        new Case(
            "FROM busybox\nRUN a \\\n\n  b\n", "3:1 NoEmptyContinuation: empty continuation line"),
        new Case(
            "FROM busybox AS a\nFROM busybox AS a\n",
            "2:17 DuplicateStageName: Duplicate stage name \"a\", stage names should be unique"),
        new Case(
            "FROM busybox AS context\n",
            "1:17 ReservedStageName: Stage name should not use the same name as reserved stage \"context\""),
        new Case("FROM busybox\nCMD a\n", "2:1 JSONArgsRecommended: " + SIGNALS.formatted("CMD")),
        new Case(
            "FROM busybox\nENTRYPOINT a\n",
            "2:1 JSONArgsRecommended: " + SIGNALS.formatted("ENTRYPOINT")),
        new Case("FROM busybox AS s\nSHELL [\"/bin/sh\", \"-ec\"]\nFROM s\nCMD a\n"),
        new Case(
            "FROM busybox\nMAINTAINER me\n",
            "2:1 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"),
        new Case(
            "ARG VERSION=1\nFROM busybox:${VERSON:-1}\n",
            "2:6 UndefinedArgInFrom: FROM argument 'VERSON' is not declared (did you mean VERSION?)"),
        new Case(
            "FROM busybox\nWORKDIR a\nWORKDIR /b\nWORKDIR c\n",
            "2:9 WorkdirRelativePath: Relative workdir \"a\" can have unexpected results if the base image changes"),
        new Case("FROM busybox AS s\nWORKDIR /b\nFROM s\nWORKDIR c\n"),
        new Case(
            "FROM busybox\nCOPY $a $PATHH/\n",
            "2:1 UndefinedVar: Usage of undefined variable '$PATHH' (did you mean $PATH?)",
            "2:1 UndefinedVar: Usage of undefined variable '$a'"),
        new Case("FROM busybox\nARG a\nENV b=1\nCOPY $a$b $PATH/\nRUN echo $nope\n"),
        new Case("FROM unknown:1 AS u\nCOPY a $x/\nFROM u\nCOPY a $x/\n"),
        new Case(
            "FROM busybox\nARG a\nFROM scratch\nCOPY x $a/\n",
            "4:1 UndefinedVar: Usage of undefined variable '$a'"),
        new Case(
            "FROM busybox\nCMD [\"a\"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD a\nCMD [\"b\"]\n",
            "2:1 MultipleInstructionsDisallowed: " + ONCE.formatted("CMD"),
            "3:1 MultipleInstructionsDisallowed: " + ONCE.formatted("HEALTHCHECK")),
        new Case(
            "FROM busybox\nENV a b\nLABEL c d e\nENV f=g\n",
            "2:1 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format",
            "3:1 LegacyKeyValueFormat: \"LABEL key=value\" should be used instead of legacy \"LABEL key value\" format"),
        new Case(
            "FROM --platform=$TARGETPLATFORM busybox\n",
            "1:17 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior"),
        new Case(
            "FROM busybox\nENV DB_PASSWORD=x A=b\nARG token\nENV PUBLIC_KEY=x monkey=y\n",
            "2:5 SecretsUsedInArgOrEnv: " + SENSITIVE.formatted("ENV", "DB_PASSWORD"),
            "3:5 SecretsUsedInArgOrEnv: " + SENSITIVE.formatted("ARG", "token")),
        new Case(
            "ARG TAG\nFROM busybox:$TAG\n",
            "2:6 InvalidDefaultArgInFrom: Default value for ARG busybox:$TAG results in empty or invalid base image name"),
        new Case("ARG TAG=1\nFROM busybox:$TAG\n"),
        new Case(
            "FROM --platform=linux/arm64 busybox AS b\n",
            "1:17 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"linux/arm64\""),
        new Case("FROM --platform=linux/arm64 busybox AS build_arm64\n"),
        new Case("FROM --platform=$BUILDPLATFORM busybox\n"),
        new Case(
            "FROM busybox\nCOPY secret.txt a.txt d all /x/\nADD ./secret.txt /\nCOPY --from=x secret.txt /\n",
            "2:6 CopyIgnoredFile: Attempting to Copy file \"secret.txt\" that is excluded by .dockerignore",
            "2:25 CopyIgnoredFile: Attempting to Copy file \"all\" that is excluded by .dockerignore",
            "3:5 CopyIgnoredFile: Attempting to Add file \"secret.txt\" that is excluded by .dockerignore"),
        new Case(
            "FROM busybox\nEXPOSE 80/TCP 127.0.0.1:81:81 82/udp $p\n",
            "2:1 UndefinedVar: Usage of undefined variable '$p'",
            "2:8 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
            "2:15 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:81:81'"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void findsWhatTheRuleIsAbout(Case given) {
    assertThat(check(given.instructions(), Map.of("TAG", "1"))).containsExactly(given.findings());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "skip=MaintainerDeprecated | 3:1 JSONArgsRecommended",
        "skip=maintainerdeprecated,Unheard;error=true | 3:1 JSONArgsRecommended",
        "skip=JSONArgsRecommended | 2:1 MaintainerDeprecated",
        "skip=all |",
      })
  void rulesCanBeSkipped(String directive, String left) {
    String text = "FROM busybox\nMAINTAINER a\nCMD b\n";
    String inFile = "# check=" + directive + "\n" + text;
    List<String> wanted = left == null ? List.of() : List.of(left);
    assertThat(check(text, Map.of(CheckOptions.ARGUMENT, directive)))
        .extracting(line -> line.substring(0, line.indexOf(": ")))
        .isEqualTo(wanted);
    assertThat(check(inFile, Map.of())).hasSameSizeAs(wanted);
  }

  /** Bytes that no file name can have are the build's to refuse. */
  @ParameterizedTest
  @ValueSource(strings = {"a\u0000b", "\u0000", "../\ud800", "a//../../b"})
  void anySourceCanBeChecked(String source) {
    assertThat(check("FROM busybox\nCOPY " + source + " /x\n", Map.of())).isEmpty();
  }

  @Test
  void theBuildArgumentWins() {
    String text = "# check=skip=all\nFROM busybox\nMAINTAINER a\n";
    assertThat(check(text, Map.of(CheckOptions.ARGUMENT, "error=false"))).hasSize(1);
  }

  private static final String DESCRIPTION =
      "Comment for %s should follow the format: `# %s <description>`";

  static List<Case> described() {
    return List.of(
        new Case(
            """
            # check=skip=all;experimental=InvalidDefinitionDescription
            # foo this is the foo
            ARG foo=bar

            # base this is the base image
            FROM scratch AS base

            # version this is the version number
            ARG version=latest

            # baz this is the baz
            ARG foo=baz bar=qux baz=quux
            #
            ARG bit=bat

            # comment for something other than ARG or FROM
            COPY Dockerfile .
            # nameless stages have no description
            FROM base
            # not about the next line

            ARG end
              # end is indented
            ARG end
            """),
        new Case(
            """
            # check=experimental=all
            # bar this is the bar
            ARG foo=bar
            # BasE this is the BasE image
            FROM scratch AS base
            # definitely a bad comment
            ARG version=latest
            # foo is not the last line
            # but this is
            ARG foo=baz bar=qux
            """,
            "2:3 InvalidDefinitionDescription: " + DESCRIPTION.formatted("ARG", "foo"),
            "4:3 InvalidDefinitionDescription: " + DESCRIPTION.formatted("FROM", "base"),
            "6:3 InvalidDefinitionDescription: " + DESCRIPTION.formatted("ARG", "version"),
            "9:3 InvalidDefinitionDescription: " + DESCRIPTION.formatted("ARG", "<arg_key>")),
        new Case("# escape=`\nARG foo\n# bad\nFROM busybox AS b\n"),
        new Case(
            "FROM busybox\n# check=experimental=InvalidDefinitionDescription\nARG foo\n",
            "2:3 InvalidDefinitionDescription: " + DESCRIPTION.formatted("ARG", "foo")));
  }

  @ParameterizedTest
  @MethodSource("described")
  void commentsDescribeStagesAndArgumentsIfThatIsAskedFor(Case given) {
    assertThat(check(given.instructions(), Map.of())).containsExactly(given.findings());
  }

  static List<Case> locally() {
    return List.of(
        new Case(
            """
            FROM busybox
            # check=skip=SecretsUsedInArgOrEnv // it is none
            ENV password=bar
            # check=skip=all // of this instruction only

            ARG token
            # check=skip=MaintainerDeprecated
            MAINTAINER me
            # a comment
            # Check = skip=UndefinedVar
            COPY $x /
            # check=skip=nothing;unheard=1
            # check=skip=all
            COPY $y /
            ENV secret=x
            """,
            "14:1 UndefinedVar: Usage of undefined variable '$y'",
            "15:5 SecretsUsedInArgOrEnv: " + SENSITIVE.formatted("ENV", "secret")),
        new Case(
            """
            # check=skip=JSONArgsRecommended

            # check=skip=StageNameCasing,FromAsCasing,DuplicateStageName
            FROM busybox as One
            # check=skip=RedundantTargetPlatform
            FROM --platform=$TARGETPLATFORM busybox AS one
            # check=error=true
            CMD a
            """,
            "6:44 DuplicateStageName: Duplicate stage name \"one\", stage names should be unique"),
        // What stages that are not built say is read all the same.
        new Case(
            "FROM busybox AS unused\nMAINTAINER me\nFROM busybox\n",
            "2:1 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label"));
  }

  @ParameterizedTest
  @MethodSource("locally")
  void aCommentBeforeAnInstructionIsAboutThatInstruction(Case given) {
    assertThat(check(given.instructions(), Map.of())).containsExactly(given.findings());
  }

  @ParameterizedTest
  @CsvSource({
    "., *, true",
    "/, **, true",
    "./, **/*, true",
    "., .*, false",
    "., a, false",
    "., ?, false"
  })
  void theContextsRootIsLeftOutIfAllIs(String source, String pattern, boolean found) {
    Dockerfile dockerfile = Dockerfile.parse("Dockerfile", "FROM scratch\nCOPY " + source + " /\n");
    GlobalArguments globals = GlobalArguments.resolve(dockerfile, Map.of(), Map.of());
    var input =
        new Checks.Input(
            dockerfile,
            StageGraph.of(dockerfile, globals),
            globals,
            globals,
            Map.of(),
            IgnoreFile.parse(SourceFile.of(".dockerignore", pattern)),
            named -> Optional.empty());
    assertThat(Checks.run(input, CheckOptions.none()))
        .extracting(Finding::detail)
        .isEqualTo(
            found
                ? List.of("Attempting to Copy file \".\" that is excluded by .dockerignore")
                : List.of());
  }

  @ParameterizedTest
  @ValueSource(strings = {"skip", "error=perhaps", "unheard=1", "skip=a;;"})
  void refusesOptionsThatCannotBeRead(String directive) {
    assertThatThrownBy(() -> check("# check=" + directive + "\nFROM busybox\n", Map.of()))
        .isInstanceOf(DockerfileException.class)
        .hasMessageContaining("Dockerfile:1:9")
        .hasMessageContaining("skip=Rule,Rule;error=true");
  }
}
