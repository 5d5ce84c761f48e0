package build.kiln.runtime.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import build.kiln.runtime.oci.Digest;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.registry.embedded.Access;
import build.kiln.runtime.registry.embedded.EmbeddedRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands about registries, against one that wants logins and one that does not. */
class RemoteCommandsTest {
  @TempDir Path folder;
  private EmbeddedRegistry open;
  private EmbeddedRegistry closed;
  private Desk desk;

  @BeforeEach
  void start() throws IOException {
    open = EmbeddedRegistry.start();
    closed =
        EmbeddedRegistry.start(
            EmbeddedRegistry.Options.defaults()
                .access(new Access.Tokens(Map.of("ann", "hunter2"), false, Duration.ofMinutes(5))));
    desk =
        new Desk(
            Map.of(
                "REGISTRY_AUTH_FILE", folder.resolve("auth.json").toString(),
                "XDG_CONFIG_HOME", folder.toString()));
    Path context = Files.createDirectories(folder.resolve("context"));
    Files.writeString(context.resolve("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    for (String tag : List.of("1", "2", "latest")) {
      Captured built =
          Captured.run(
              "build",
              "--store",
              folder.resolve("store").toString(),
              "-t",
              open.host() + "/shop/api:" + tag,
              "--push",
              "-q",
              context.toString());
      assertThat(built.exitCode()).as(built.err()).isZero();
    }
  }

  @AfterEach
  void stop() {
    open.close();
    closed.close();
  }

  private Captured kiln(String... arguments) {
    return Captured.at(desk, arguments);
  }

  @Test
  void tagsAndDigestsAreTold() throws IOException {
    String repository = open.host() + "/shop/api";
    assertThat(kiln("ls", repository).out()).isEqualTo("1\n2\nlatest\n");
    assertThat(kiln("ls", "--full", "docker://" + repository).out())
        .startsWith(repository + ":1\n");
    JsonNode json = Json.tree(kiln("ls", "--json", repository).out());
    assertThat(json.path("repository").asText()).isEqualTo(repository);
    assertThat(json.path("tags")).hasSize(3);

    String digest = kiln("digest", repository).out().strip();
    assertThat(digest).startsWith("sha256:");
    assertThat(kiln("digest", "--full", repository + ":1").out())
        .isEqualTo(repository + "@" + digest + "\n");
    Captured raw = kiln("inspect", "--raw", "docker://" + repository + ":1");
    assertThat(Digest.ofBytes(raw.out().getBytes(UTF_8))).hasToString(digest);

    Captured absent = kiln("digest", repository + ":3");
    assertThat(absent.exitCode()).isEqualTo(1);
    assertThat(absent.err()).contains("no image " + repository + ":3", "kiln ls");
    assertThat(kiln("ls", repository + ":1").exitCode()).isEqualTo(2);
  }

  @Test
  void aTagIsGivenInTheRegistry() {
    String image = open.host() + "/shop/api:1";
    Captured tagged = kiln("tag", "docker://" + image, "stable");
    assertThat(tagged.exitCode()).as(tagged.err()).isZero();
    String digest = kiln("digest", image).out().strip();
    assertThat(tagged.out()).isEqualTo(open.host() + "/shop/api:stable@" + digest + "\n");
    assertThat(kiln("digest", open.host() + "/shop/api:stable").out().strip()).isEqualTo(digest);

    Captured elsewhere = kiln("tag", "docker://" + image, "docker://" + open.host() + "/other:1");
    assertThat(elsewhere.exitCode()).isEqualTo(2);
    assertThat(elsewhere.err()).contains("kiln copy");
  }

  @Test
  void aLoginIsCheckedBeforeItIsKept() throws IOException {
    Path file = folder.resolve("auth.json");
    Captured wrong =
        Captured.at(
            desk,
            "wrong-password\n".getBytes(UTF_8),
            "login",
            "-u",
            "ann",
            "--password-stdin",
            closed.host());
    assertThat(wrong.exitCode()).isEqualTo(1);
    assertThat(wrong.err()).contains("credentials were refused").doesNotContain("wrong-password");
    assertThat(file).doesNotExist();
    assertThat(kiln("ls", closed.host() + "/a").err()).contains("give credentials");

    Captured right =
        Captured.at(
            desk,
            "hunter2\n".getBytes(UTF_8),
            "login",
            "-u",
            "ann",
            "--password-stdin",
            closed.host());
    assertThat(right.exitCode()).as(right.err()).isZero();
    assertThat(right.out()).isEqualTo("Login Succeeded: ann at " + closed.host() + "\n");
    assertThat(right.err()).contains(file.toString()).doesNotContain("hunter2");
    assertThat(kiln("ls", closed.host() + "/a").err()).contains("it is not there");

    assertThat(kiln("logout", closed.host()).out()).startsWith("Removed the login");
    assertThat(kiln("logout", closed.host()).out()).startsWith("Not logged in");
    assertThat(Files.readString(file)).doesNotContain(closed.host());
  }

  @ParameterizedTest
  @CsvSource({
    "login -u ann -p x --password-stdin HOST, exclude each other",
    "login --password-stdin HOST,             needs --username",
    "login -u a:b -p x HOST,                  colon",
    "login -u ann -p x HOST/repository,       want a registry",
    "registry check --write HOST,             needs a repository",
    "registry check HOST/a:1,                 without a tag",
  })
  void mistakesAreTold(String line, String reason) {
    Captured failed = kiln(line.replace("HOST", open.host()).split(" ", -1));
    assertThat(failed.exitCode()).isEqualTo(2);
    assertThat(failed.err()).contains(reason);
  }

  private static Map<String, String> answers(Captured check) throws IOException {
    Map<String, String> answers = new TreeMap<>();
    for (JsonNode each : Json.tree(check.out())) {
      answers.put(each.path("name").asText(), each.path("answer").asText());
    }
    return answers;
  }

  @Test
  void whatARegistryCanDoIsFoundOutAndNothingIsLeft() throws IOException {
    Captured check = kiln("registry", "check", "--write", "--json", open.host() + "/shop/api");
    assertThat(check.exitCode()).as(check.err()).isZero();
    assertThat(answers(check))
        .containsEntry("api", "YES")
        .containsEntry("mount", "YES")
        .containsEntry("referrers", "YES")
        .containsEntry("blob-ranges", "YES")
        .containsEntry("upload-monolithic", "YES")
        .containsEntry("upload-chunked", "YES")
        .containsEntry("chunk-min-length", "NO")
        .containsEntry("sparse-index", "NO")
        .containsEntry("pages", "YES")
        .containsEntry("delete-manifest", "YES");
    assertThat(kiln("ls", open.host() + "/shop/api").out()).isEqualTo("1\n2\nlatest\n");

    Captured readOnly = kiln("registry", "check", open.host() + "/shop/api");
    assertThat(readOnly.out()).contains("tag-list").doesNotContain("mount");
    assertThat(readOnly.err()).contains("--write");
    assertThat(answers(kiln("registry", "check", "--json", closed.host())))
        .containsEntry("api", "YES")
        .containsEntry("catalog", "NO");
  }

  @Test
  void theFileOfRegistriesIsObeyedAndItsMistakesHavePlaces() throws IOException {
    Path file = Files.createDirectories(folder.resolve("kiln")).resolve("registries.yaml");
    Files.writeString(file, "mirrors:\n  upstream.example:\n  - http://" + open.host() + "/shop\n");
    assertThat(kiln("digest", "upstream.example/api:1").out()).startsWith("sha256:");

    Files.writeString(file, "mirrors:\n  upstream.example: here\ninsecure: [x]\n");
    Captured wrong = kiln("digest", open.host() + "/shop/api:1");
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.err())
        .contains(file + ":2:21: want a list of texts", file + ":3:1: no such field: insecure");
  }

  @Test
  void allTagsOfARepositoryArePulled() {
    var arguments =
        new ArrayList<>(List.of("pull", "--store", folder.resolve("s").toString(), "-q", "-a"));
    arguments.add(open.host() + "/shop/api");
    Captured pulled = Captured.run(arguments.toArray(String[]::new));
    assertThat(pulled.exitCode()).as(pulled.err()).isZero();
    assertThat(pulled.out().lines()).hasSize(3);
    Captured listed =
        Captured.run("images", "--store", folder.resolve("s").toString(), "--format", "json");
    assertThat(listed.out()).contains("\"Tag\":\"1\"", "\"Tag\":\"2\"", "\"Tag\":\"latest\"");
    arguments.set(arguments.size() - 1, open.host() + "/shop/api:1");
    assertThat(Captured.run(arguments.toArray(String[]::new)).exitCode()).isEqualTo(2);
  }
}
