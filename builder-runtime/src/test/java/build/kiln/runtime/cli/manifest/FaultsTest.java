package build.kiln.runtime.cli.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import build.kiln.runtime.cli.manifest.ManifestFile.Manifest;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;

/** Faults, each with its place and what is said of it. */
class FaultsTest {
  /** Lines 1 to 4; then the spec, and its output at the end. */
  private static final String HEAD =
      """
      apiVersion: kiln.build/v1alpha1
      kind: ImageBuild
      metadata: {name: hello}
      spec:
      """;

  private static final String DOCKERFILE = "  dockerfile: {inline: FROM scratch}\n";
  private static final String OUTPUT = "  output: {image: r.example.com/hello}\n";
  private static final String NO_CLONE = "  source: {git: {url: ";

  /** What stands from line 5 on, and the message after the file's name. */
  @SuppressWarnings("unused") // read by FieldSource
  private static final List<Arguments> FAULTS =
      List.of(
          // fields
          arguments(
              "  dockerfil: {}\n" + DOCKERFILE + OUTPUT,
              "5:3: unknown field \"spec.dockerfil\"; did you mean \"dockerfile\"?"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, compression: {quality: 9}}\n",
              "6:38: unknown field \"spec.output.compression.quality\"; known here: level, type"),
          arguments(
              DOCKERFILE + OUTPUT + "stauts: {}\n",
              "7:1: unknown field \"stauts\"; did you mean \"status\"?"),
          arguments(
              DOCKERFILE,
              "5:3: missing field \"spec.output\": Where the image is pushed to, and how."),
          arguments(
              "  buildArgs: [{name: A}, {value: x}]\n" + DOCKERFILE + OUTPUT,
              "5:26: missing field \"spec.buildArgs[1].name\": The ARG's name."),
          // types
          arguments(
              "  retries: \"3\"\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.retries must be a whole number, not a text"),
          arguments(
              "  retries: 1.5\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.retries must be a whole number, not the number 1.5"),
          arguments(
              "  target: 12\n" + DOCKERFILE + OUTPUT,
              "5:11: spec.target must be a text, not the number 12: put it in quotes"),
          arguments(
              "  target: on\n" + DOCKERFILE + OUTPUT,
              "5:11: spec.target must be a text, not the boolean true: put it in quotes"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, tags: [~]}\n",
              "6:31: spec.output.tags[0] must be a text, not empty: give it a value"),
          arguments(
              DOCKERFILE + "  output: {image: }\n",
              "6:12: missing field \"spec.output.image\": The repository, such as registry.example.com/shop/api; without a tag."),
          arguments(
              "  unknown:\n" + DOCKERFILE + OUTPUT,
              "5:3: unknown field \"spec.unknown\"; known here: buildArgs, cache, contexts, dockerfile, history, isolation, output, podTemplate, registrySecrets, reproducible, retries, secrets, source, ssh, suspend, target, timeout, workspace"),
          arguments(
              "  cache: {volume: {claimName: x, subPath: a/../b}}\n" + DOCKERFILE + OUTPUT,
              "5:43: spec.cache.volume.subPath: volume.subPath must be a folder of the volume, without '..'"),
          arguments(
              "  cache: {mode: min}\n" + DOCKERFILE + OUTPUT,
              "5:10: spec.cache: spec.cache says nowhere to keep anything: set cache.volume or cache.registry, or cache.disabled"),
          arguments(
              "  suspend: maybe\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.suspend must be true or false, not a text"),
          arguments(
              "  buildArgs: {A: b}\n" + DOCKERFILE + OUTPUT,
              "5:14: spec.buildArgs must be a list, not a mapping"),
          arguments(
              "  history: [1]\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.history must be a mapping, not a list"),
          arguments(
              "  workspace: {size: [1]}\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.workspace.size must be a whole number or a text, not a list"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, labels: {version: 1.10}}\n",
              "6:42: spec.output.labels[\"version\"] must be a text, not the number 1.1: put it in quotes"),
          // limits
          arguments(
              "  isolation: chroot\n" + DOCKERFILE + OUTPUT,
              "5:14: spec.isolation must be one of Auto, Chroot, Namespaces, NoRun; did you mean \"Chroot\"?"),
          arguments(
              "  retries: 11\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.retries is 11, must be at most 10"),
          arguments(
              "  history: {failed: -1}\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.history.failed is -1, must be at least 0"),
          arguments(
              "  target: \"\"\n" + DOCKERFILE + OUTPUT, "5:11: spec.target must not be empty"),
          arguments(
              "  target: " + "é".repeat(129) + "\n" + DOCKERFILE + OUTPUT,
              "5:11: spec.target has 129 characters, may have at most 128"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, tags: []}\n",
              "6:30: spec.output.tags must not be empty"),
          arguments(
              "  registrySecrets: [" + listed("{name: a%d}", 17) + "]\n" + DOCKERFILE + OUTPUT,
              "5:20: spec.registrySecrets has 17 items, may have at most 16"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, labels: {" + listed("l%d: v", 65) + "}}\n",
              "6:32: spec.output.labels has 65 fields, may have at most 64"),
          arguments(
              "  secrets: [{id: a, secretRef: {name: x}}, {id: a, secretRef: {name: z}}]\n"
                  + DOCKERFILE
                  + OUTPUT,
              "5:44: spec.secrets[1] id \"a\" is there already: remove one of them"),
          arguments(
              "  buildArgs: [{name: A}, {name: A}]\n" + DOCKERFILE + OUTPUT,
              "5:26: spec.buildArgs[1] name \"A\" is there already: remove one of them"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, tags: [a, b, a]}\n",
              "6:37: spec.output.tags[2] \"a\" is there already: remove one of them"),
          // rules
          arguments(
              OUTPUT,
              "5:3: spec: spec.source is missing: set one of source.git, source.configMap and source.inline, or write the Dockerfile in dockerfile.inline"),
          arguments(
              "  source: {git: {url: 'https://g/x'}, configMap: {name: a}}\n" + OUTPUT,
              "5:11: spec.source: spec.source needs exactly one of git, configMap and inline: remove the others"),
          arguments(
              "  dockerfile: {path: a, inline: b}\n" + OUTPUT,
              "5:15: spec.dockerfile: spec.dockerfile has both path and inline: remove one of them"),
          arguments(
              "  contexts: [{name: a}]\n" + DOCKERFILE + OUTPUT,
              "5:14: spec.contexts[0]: spec.contexts[] needs exactly one of git, configMap, inline and image: remove the others"),
          arguments(
              "  contexts: [{name: '0', image: {image: x}}]\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.contexts[0].name: contexts[].name must not be scratch or a number: those mean nothing, or a stage, whatever a build says"),
          arguments(
              "  contexts: [{name: A, image: {image: x}}]\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.contexts[0].name: contexts[].name must be a stage's or an image's name, in lower case: letters, digits, '.', '_', '-', '/', ':', '@'"),
          arguments(
              "  contexts: [{name: a, image: {image: 'x:'}}]\n" + DOCKERFILE + OUTPUT,
              "5:39: spec.contexts[0].image.image: image.image must be an image such as registry.example.com/base/java:25 or one with a digest"),
          arguments(
              "  contexts: [{name: a, image: {image: x}}, {name: a, image: {image: z}}]\n"
                  + DOCKERFILE
                  + OUTPUT,
              "5:44: spec.contexts[1] name \"a\" is there already: remove one of them"),
          arguments(
              "  buildArgs: [{name: A, value: x, valueFrom: {configMapKeyRef: {name: m, key: k}}}]\n"
                  + DOCKERFILE
                  + OUTPUT,
              "5:15: spec.buildArgs[0]: spec.buildArgs[] has both value and valueFrom: remove one of them"),
          arguments(
              "  source: {inline: [{path: a/.., content: b}]}\n" + OUTPUT,
              "5:28: spec.source.inline[0].path: path must be relative to the context's root, without '..'"),
          arguments(
              "  source: {inline: [{path: ../a, content: b, mode: 0644}]}\n" + OUTPUT,
              "5:28: spec.source.inline[0].path: path must be relative to the context's root, without '..'"),
          arguments(
              "  source: {inline: [{path: a, content: b, mode: 755}]}\n" + OUTPUT,
              "5:49: spec.source.inline[0].mode: mode must be at most 0777; write it in octal with a leading 0, as in mode: 0755"),
          arguments(
              "  source: {inline: ["
                  + "{path: a, content: %1$s}, {path: b, content: %1$s}]}\n"
                      .formatted("ö".repeat(131_073))
                  + OUTPUT,
              "5:20: spec.source.inline: source.inline holds more than 256 KiB: use a ConfigMap or a Git repository"),
          arguments(
              DOCKERFILE + "  output: {image: 'r.example.com/x:1'}\n",
              "6:19: spec.output.image: output.image must not have a tag: put it into output.tags (and name the repository, not only the registry)"),
          arguments(
              DOCKERFILE + "  output: {image: 'r.example.com/x@sha256'}\n",
              "6:19: spec.output.image: output.image must not have a digest: name the repository only"),
          arguments(
              DOCKERFILE + "  output: {image: r.example.com/Shop}\n",
              "6:19: spec.output.image: output.image must be a repository such as registry.example.com/shop/api, in lower case"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, compression: {level: 10}}\n",
              "6:45: spec.output.compression.level: compression.level of gzip goes from 1 (fast) to 9; only zstd goes to 19"),
          arguments(
              "  reproducible: {sourceDateEpoch: 2147483648}\n" + DOCKERFILE + OUTPUT,
              "5:35: spec.reproducible.sourceDateEpoch: reproducible.sourceDateEpoch must be commit, or seconds since 1970 such as 1700000000"),
          arguments(
              "  reproducible: {sourceDateEpoch: -1}\n" + DOCKERFILE + OUTPUT,
              "5:35: spec.reproducible.sourceDateEpoch: reproducible.sourceDateEpoch must be commit, or seconds since 1970 such as 1700000000"),
          arguments(
              "  reproducible: {sourceDateEpoch: Commit}\n" + DOCKERFILE + OUTPUT,
              "5:35: spec.reproducible.sourceDateEpoch: reproducible.sourceDateEpoch must be commit, or seconds since 1970 such as 1700000000"),
          arguments(
              "  reproducible: {sourceDateEpoch: 1.5}\n" + DOCKERFILE + OUTPUT,
              "5:35: spec.reproducible.sourceDateEpoch must be a whole number or a text, not the number 1.5"),
          arguments(
              "  reproducible: {}\n" + DOCKERFILE + OUTPUT,
              "5:17: missing field \"spec.reproducible.sourceDateEpoch\": The time of the image and its history, and the latest time of the files that the build adds: seconds since 1970, or the word commit for the time of the source's commit. It is the build argument SOURCE_DATE_EPOCH. Another time is another image, so with commit every commit does all steps anew."),
          arguments(
              "  reproducible: {sourceDateEpoch: commit}\n" + DOCKERFILE + OUTPUT,
              "5:3: spec: spec.reproducible.sourceDateEpoch is commit, which only a source.git has: write the seconds since 1970"),
          arguments(
              "  reproducible: {sourceDateEpoch: 1}\n  buildArgs: [{name: SOURCE_DATE_EPOCH, value: '1'}]\n"
                  + DOCKERFILE
                  + OUTPUT,
              "5:3: spec: spec.buildArgs has SOURCE_DATE_EPOCH, which reproducible.sourceDateEpoch sets: remove one of them"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, tags: ['{{git.sha}}']}\n",
              "5:3: spec: spec.output.tags uses {{git.sha}} or {{git.shortSha}}, which only a source.git has: use {{run}} or a fixed tag"),
          arguments(
              DOCKERFILE + "  output: {image: r/x, tags: [a, .b]}\n",
              "6:30: spec.output.tags: output.tags: a tag has at most 128 letters, digits, '_', '.', '-' and does not start with '.' or '-'; the templates are {{git.sha}}, {{git.shortSha}} and {{run}}"),
          arguments(
              NO_CLONE + "ftp://g/x}}\n" + OUTPUT,
              "5:23: spec.source.git.url: git.url must be an https://, http://, ssh:// or git:// URL, or user@host:path"),
          arguments(
              NO_CLONE + "'https://me:secret@g/x'}}\n" + OUTPUT,
              "5:23: spec.source.git.url: git.url must not hold credentials: put username and password into a Secret and name it in git.secretRef"),
          arguments(
              NO_CLONE + "'ssh://me:secret@g/x'}}\n" + OUTPUT,
              "5:23: spec.source.git.url: git.url must not hold credentials: put username and password into a Secret and name it in git.secretRef"),
          arguments(
              NO_CLONE + "'git://me:@g/x'}}\n" + OUTPUT,
              "5:23: spec.source.git.url: git.url must not hold credentials: put username and password into a Secret and name it in git.secretRef"),
          arguments(
              NO_CLONE + "'https://g/x', revision: 'a~1'}}\n" + OUTPUT,
              "5:48: spec.source.git.revision: git.revision must be a branch, a tag, a full ref (refs/...) or a commit, not a path or an expression"),
          arguments(
              "  source: {configMap: {name: ../secrets/x}}\n" + OUTPUT,
              "5:30: spec.source.configMap.name: name must be the name of a ConfigMap: lower case letters, digits, '-', '.'"),
          arguments(
              "  source: {configMap: {name: a, items: [{key: a/b, path: b}]}}\n" + OUTPUT,
              "5:47: spec.source.configMap.items[0].key: key must be a key of a ConfigMap: letters, digits, '-', '_', '.', and not '.' alone or '..' at its start"),
          arguments(
              "  timeout: 1d\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.timeout: timeout must be a duration from 10s to 168h, written as 90s, 10m or 1h30m"),
          arguments(
              "  timeout: 9s\n" + DOCKERFILE + OUTPUT,
              "5:12: spec.timeout: timeout must be a duration from 10s to 168h, written as 90s, 10m or 1h30m"),
          arguments(
              "  history: {ttl: 8761h}\n" + DOCKERFILE + OUTPUT,
              "5:18: spec.history.ttl: history.ttl must be a duration of at most 8760h, such as 30m or 24h"),
          arguments(
              "  workspace: {size: 0}\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.workspace.size: workspace.size must be a size such as 500Mi or 20Gi"),
          arguments(
              "  workspace: {size: 5GB}\n" + DOCKERFILE + OUTPUT,
              "5:21: spec.workspace.size: workspace.size must be a size such as 500Mi or 20Gi"),
          arguments(
              "  podTemplate: {resources: {limits: {memory: lots}}}\n" + DOCKERFILE + OUTPUT,
              "5:46: spec.podTemplate.resources.limits[\"memory\"]: podTemplate.resources.limits must be quantities such as 500m, 2 or 4Gi"),
          arguments(
              "  podTemplate: {resources: {requests: {cpu: -1}}}\n" + DOCKERFILE + OUTPUT,
              "5:45: spec.podTemplate.resources.requests[\"cpu\"]: podTemplate.resources.requests must be quantities such as 500m, 2 or 4Gi"),
          arguments(
              "  target: \"a\\n\"\n" + DOCKERFILE + OUTPUT,
              "5:11: spec.target: target must be the name or the number of a stage: letters, digits, '_', '.', '-'"),
          // YAML
          arguments(
              "  retries: 1\n  retries: 2\n" + DOCKERFILE + OUTPUT,
              "6:3: the key \"retries\" is there already, at line 5: remove one of them"),
          arguments(
              "  target: !!binary aGk=\n" + DOCKERFILE + OUTPUT,
              "5:11: the tag tag:yaml.org,2002:binary is not supported: remove it"),
          arguments(
              "  history: &h {ttl: *h}\n",
              "5:12: this value contains itself by an alias: write it out"),
          arguments("  retries: .inf\n", "5:12: .inf is no number that JSON can hold"),
          arguments("  ? {a: b}\n  : c\n", "5:5: a key must be a text, not a mapping or sequence"),
          arguments(
              "\tretries: 1\n",
              "5:1: this is no YAML: found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation)"));

  @ParameterizedTest
  @FieldSource("FAULTS")
  void isRefused(String spec, String message) {
    assertThatThrownBy(() -> ManifestFile.read("f.yaml", (HEAD + spec).getBytes(UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessage("f.yaml:" + message);
  }

  /** What an API server accepts, however close to a limit. */
  @SuppressWarnings("unused") // read by FieldSource
  private static final List<String> ACCEPTED =
      List.of(
          "  retries: 10\n  timeout: 168h\n  history: {ttl: 8760h0m}\n" + DOCKERFILE + OUTPUT,
          "  retries:\n  isolation: ~\n  history: null\n  target:\n  source:\n"
              + DOCKERFILE
              + OUTPUT,
          "  retries: 1e0\n  suspend: off\n" + DOCKERFILE + OUTPUT,
          "  workspace: {size: 1073741824}\n" + DOCKERFILE + OUTPUT,
          "  workspace: {size: 1e9}\n" + DOCKERFILE + OUTPUT,
          "  workspace: {size: .5Gi}\n  target: !!str 12\n" + DOCKERFILE + OUTPUT,
          DOCKERFILE + "  output: {image: r/x__y, compression: {type: zstd, level: 19}}\n",
          "  source: {inline: [{path: a..b/..c, content: '', mode: 0o777}]}\n" + OUTPUT,
          NO_CLONE + "'git@h.example.com:a/b.git', revision: feature/a-b}}\n" + OUTPUT,
          NO_CLONE + "'ssh://git@h.example.com:2222/a:b@c.git'}}\n" + OUTPUT,
          "  reproducible: {sourceDateEpoch: 0}\n" + DOCKERFILE + OUTPUT,
          "  reproducible: {sourceDateEpoch: '4102444800'}\n" + DOCKERFILE + OUTPUT,
          "  reproducible: {sourceDateEpoch: commit}\n" + NO_CLONE + "'https://g/x'}}\n" + OUTPUT,
          "  podTemplate: {labels: &l {a: b}, annotations: {<<: *l, c: d}}\n"
              + DOCKERFILE
              + OUTPUT);

  @ParameterizedTest
  @FieldSource("ACCEPTED")
  void isAccepted(String spec) {
    assertThat(ManifestFile.read("f.yaml", (HEAD + spec).getBytes(UTF_8)))
        .isInstanceOf(Manifest.class);
  }

  @Test
  void aNameIsADnsName() {
    String text = HEAD.replace("hello", "Hello") + DOCKERFILE + OUTPUT;

    assertThatThrownBy(() -> ManifestFile.read("f.yaml", text.getBytes(UTF_8)))
        .hasMessage(
            "f.yaml:3:18: metadata.name must be lower case letters, digits, '-' and '.', with a letter or digit at both ends and beside each '.'");
  }

  @Test
  void bytesThatAreNoTextAreRefused() {
    assertThatThrownBy(() -> ManifestFile.read("f.yaml", new byte[] {'a', (byte) 0xff}))
        .hasMessage("f.yaml:1:1: this is no UTF-8 text: save it as UTF-8");
  }

  @Test
  void aliasesCannotBlowUp() {
    StringBuilder text = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
      String before = "*a" + (i - 1) + ",";
      text.append("a%d: &a%d [%s]\n".formatted(i, i, before.repeat(5)));
    }

    assertThatThrownBy(() -> ManifestFile.read("f.yaml", text.toString().getBytes(UTF_8)))
        .isInstanceOf(ManifestException.class)
        .hasMessageContaining("200000 values");
  }

  private static String listed(String format, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> format.formatted(i))
        .collect(Collectors.joining(", "));
  }
}
