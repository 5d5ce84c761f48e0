package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Logins as docker, podman and Kubernetes keep them. */
class ConfigurationTest {
  @TempDir Path folder;
  private final MutableClock clock = new MutableClock();

  private static String auths(String... keysAndUsers) {
    var text = new StringBuilder("{\"auths\":{");
    for (int i = 0; i < keysAndUsers.length; i += 2) {
      String auth =
          Base64.getEncoder()
              .encodeToString((keysAndUsers[i + 1] + ":pw").getBytes(StandardCharsets.UTF_8));
      text.append(i == 0 ? "" : ",")
          .append("\"%s\":{\"auth\":\"%s\"}".formatted(keysAndUsers[i], auth));
    }
    return text.append("}}").toString();
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String user(Credentials credentials, String repository) throws IOException {
    return credentials
        .forRepository(Reference.parse(repository))
        .map(c -> c instanceof Credential.Basic basic ? basic.username() : c.toString())
        .orElse("-");
  }

  /** As kubelet merges pull secrets. */
  @ParameterizedTest
  @CsvSource({
    "registry.example/shop/api/web, api",
    "registry.example/shop/api,     api",
    "registry.example/shop/api2,    shop",
    "registry.example/shop/x,       shop",
    "registry.example/shopping,     host",
    "registry.example/x,            host",
    "eu.wild.example/x,             wild",
    "a.eu.wild.example/x,           -",
    "busybox,                       hub",
    "docker.io/ann/x,               hub",
    "registry.example:5000/x,       port",
    "other.example/x,               -",
  })
  void ofSeveralSecretsTheLongestMatchWins(String repository, String expected) throws IOException {
    var credentials =
        DockerConfigCredentials.ofFiles(
            List.of(
                file(
                    "one",
                    auths("registry.example", "host", "https://registry.example/shop/", "shop")),
                file(
                    "two",
                    auths(
                        "registry.example", "second",
                        "registry.example/shop/api", "api",
                        "*.wild.example", "wild")),
                file(
                    "three",
                    auths("https://index.docker.io/v1/", "hub", "registry.example:5000", "port"))));
    assertThat(user(credentials, repository)).isEqualTo(expected);
  }

  @Test
  void aFileThatChangesIsReadAgain() throws IOException {
    Path file = folder.resolve("config.json");
    var credentials = DockerConfigCredentials.ofFiles(List.of(file));
    assertThat(user(credentials, "r.example/a")).isEqualTo("-");
    Files.writeString(file, auths("r.example", "ann"));
    assertThat(user(credentials, "r.example/a")).isEqualTo("ann");
    // A Secret's volume is changed by another file of that name.
    Files.move(file("new", auths("r.example", "bob")), file, StandardCopyOption.REPLACE_EXISTING);
    assertThat(user(credentials, "r.example/a")).isEqualTo("bob");
  }

  @ParameterizedTest
  @CsvSource({
    "REGISTRY_AUTH_FILE, auth.json, podman",
    "DOCKER_CONFIG,      '',        docker",
    "OTHER,              '',        home",
  })
  void theUsersFileIsFoundAsOfOthersTools(String variable, String name, String expected)
      throws IOException {
    file("auth.json", auths("r.example", "podman"));
    file("config.json", auths("r.example", "docker"));
    Files.createDirectories(folder.resolve("home/.docker"));
    file("home/.docker/config.json", auths("r.example", "home"));
    var credentials =
        DockerConfigCredentials.ofUser(
            Map.of(variable, folder.resolve(name).toString()), folder.resolve("home"));
    assertThat(user(credentials, "r.example/a")).isEqualTo(expected);
  }

  private DockerConfigCredentials withHelpers(String config) throws IOException {
    Path program = folder.resolve("bin/docker-credential-test");
    Files.createDirectories(program.getParent());
    Files.writeString(
        program,
        """
        #!/bin/sh
        read -r server
        echo "$1 $server" >>'%s'
        case $server in
          helped.example) echo '{"Username":"helper","Secret":"hunter2"}' ;;
          token.example) echo '{"Username":"<token>","Secret":"refresh"}' ;;
          https://index.docker.io/v1/) echo '{"Username":"hubuser","Secret":"x"}' ;;
          broken.example) echo 'cannot reach the keychain'; exit 1 ;;
          leaky.example) echo '{"Secret":"hunter2"'; exit 1 ;;
          *) echo 'credentials not found in native keychain'; exit 1 ;;
        esac
        """
            .formatted(folder.resolve("calls")));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    String path = program.getParent() + ":" + System.getenv("PATH");
    return DockerConfigCredentials.ofFiles(
        List.of(file("config.json", config)), Map.of("PATH", path), clock);
  }

  @Test
  void helpersAreAskedAndTheirAnswersKeptForAMinute() throws IOException {
    var credentials =
        withHelpers(
            "{\"credHelpers\":{\"helped.example\":\"test\",\"token.example\":\"test\"},"
                + "\"auths\":{\"plain.example\":{\"username\":\"plain\",\"password\":\"x\"}}}");
    assertThat(user(credentials, "helped.example/a")).isEqualTo("helper");
    assertThat(user(credentials, "helped.example/b")).isEqualTo("helper");
    assertThat(credentials.forRepository(Reference.parse("token.example/a")))
        .contains(new Credential.IdentityToken("", "refresh"));
    assertThat(user(credentials, "plain.example/a")).isEqualTo("plain");
    assertThat(Files.readAllLines(folder.resolve("calls")))
        .containsExactly("get helped.example", "get token.example");
    clock.advance(Duration.ofMinutes(2));
    user(credentials, "helped.example/b");
    assertThat(Files.readAllLines(folder.resolve("calls"))).hasSize(3);
  }

  @Test
  void credsStoreIsForTheRestAndFilesForWhatItHasNot() throws IOException {
    var credentials =
        withHelpers(
            "{\"credsStore\":\"test\",\"auths\":{\"helped.example\":{},"
                + "\"plain.example\":{\"username\":\"plain\",\"password\":\"x\"}}}");
    assertThat(user(credentials, "helped.example/a")).isEqualTo("helper");
    assertThat(user(credentials, "busybox")).isEqualTo("hubuser");
    assertThat(user(credentials, "plain.example/a")).isEqualTo("plain");
  }

  @ParameterizedTest
  @CsvSource({
    "broken.example, cannot reach the keychain",
    "leaky.example,  exited with 1",
  })
  void aHelperThatFailsIsToldWithoutItsSecret(String registry, String reason) throws IOException {
    var credentials = withHelpers("{\"credsStore\":\"test\"}");
    assertThatThrownBy(() -> user(credentials, registry + "/a"))
        .hasMessageContaining("docker-credential-test")
        .hasMessageContaining(reason)
        .message()
        .doesNotContain("hunter2");
  }

  @Test
  void aHelperThatIsNotInstalledIsNamed() throws IOException {
    var credentials = withHelpers("{\"credsStore\":\"nowhere\"}");
    assertThatThrownBy(() -> user(credentials, "r.example/a"))
        .hasMessageContaining("docker-credential-nowhere")
        .hasMessageContaining("PATH");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"auths\":{\"r.example\":{\"auth\":\"hunter2\"}}}",
        "{\"auths\":{\"r.example\":{\"auth\":\"aHVudGVyMg==\"}}}",
        "{\"auths\":{\"r.example\":{\"auth\":\"hunter2",
        "[\"hunter2\"]",
        "hunter2",
      })
  void aBrokenFileIsNamedAndNothingOfItIsTold(String text) throws IOException {
    var credentials = DockerConfigCredentials.ofFiles(List.of(file("config.json", text)));
    assertThatThrownBy(() -> user(credentials, "r.example/a"))
        .isInstanceOf(RegistryException.class)
        .hasMessageContaining(folder.resolve("config.json").toString())
        .message()
        .doesNotContain("hunter2", "aHVudGVyMg");
  }

  @Test
  void noCredentialShowsItsSecretAsText() {
    assertThat(
            List.of(
                    new Credential.Basic("ann", "hunter2"),
                    new Credential.IdentityToken("ann", "hunter2"),
                    new Credential.RegistryToken("hunter2"),
                    Optional.of(new Credential.Basic("ann", "hunter2")))
                .toString())
        .doesNotContain("hunter2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp://m.example", "m.example:99999999", "m example", ""})
  void aMirrorThatIsNoneIsRefusedWhenItIsConfigured(String mirror) {
    assertThatThrownBy(() -> RegistryConfig.builder().mirrors("docker.io", List.of(mirror)).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("mirror");
  }
}
