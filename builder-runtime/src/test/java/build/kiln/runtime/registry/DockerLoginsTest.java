package build.kiln.runtime.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.testkit.MutableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written into docker's config.json, and what is read from it again. */
class DockerLoginsTest {
  private static final Credential.Basic ANN = new Credential.Basic("ann", "hunter2");

  @TempDir Path folder;
  private final MutableClock clock = new MutableClock();

  private DockerLogins logins(Path file) throws IOException {
    Path program = folder.resolve("bin/docker-credential-test");
    Files.createDirectories(program.getParent());
    Files.writeString(
        program,
        """
        #!/bin/sh
        cd '%s'
        case $1 in
          store) cat >kept ;;
          get) if [ -f kept ]; then cat kept; else echo 'credentials not found in native keychain'; exit 1; fi ;;
          erase) rm kept ;;
        esac
        """
            .formatted(folder));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    String path = program.getParent() + ":" + System.getenv("PATH");
    return new DockerLogins(file, new CredentialHelper(clock, Map.of("PATH", path)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"registry.example:5000", "docker.io", "index.docker.io"})
  void aLoginIsKeptForItsOwnerAloneAndForgotten(String registry) throws IOException {
    Path file = folder.resolve("new/config.json");
    DockerLogins logins = logins(file);
    assertThat(logins.store(registry, ANN)).isEmpty();

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    String repository = registry.equals("docker.io") ? "busybox" : registry + "/a";
    assertThat(
            DockerConfigCredentials.ofFiles(List.of(file))
                .forRepository(Reference.parse(repository)))
        .contains(ANN);
    assertThat(Files.readString(file))
        .contains(registry.endsWith("docker.io") ? "https://index.docker.io/v1/" : registry);
    try (var files = Files.list(file.getParent())) {
      assertThat(files).hasSize(1);
    }

    assertThat(logins.erase(registry)).isTrue();
    assertThat(logins.erase(registry)).isFalse();
  }

  @Test
  void whatElseTheFileSaysStaysAndALinkIsFollowed() throws IOException {
    Path real = folder.resolve("real.json");
    Files.writeString(
        real,
        "{\"detachKeys\":\"ctrl-e\",\"auths\":{\"r.example\":{\"auth\":\"Ym9iOng=\"},"
            + "\"r.example/shop\":{\"auth\":\"Ym9iOng=\"}},\"proxies\":{\"default\":{}}}");
    Path link = Files.createSymbolicLink(folder.resolve("config.json"), real);
    logins(link).store("r.example", ANN);

    assertThat(Files.isSymbolicLink(link)).isTrue();
    var json = Json.tree(Files.readAllBytes(real));
    assertThat(json.path("detachKeys").asText()).isEqualTo("ctrl-e");
    assertThat(json.at("/proxies/default").isObject()).isTrue();
    assertThat(json.at("/auths/r.example/auth").asText()).isEqualTo("YW5uOmh1bnRlcjI=");
    assertThat(json.path("auths").has("r.example/shop")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"credsStore\":\"test\"}", "{\"credHelpers\":{\"r.example\":\"test\"}}"})
  void aHelperKeepsWhatIsItsOwn(String config) throws IOException {
    Path file = Files.writeString(folder.resolve("config.json"), config);
    DockerLogins logins = logins(file);
    assertThat(logins.store("r.example", ANN)).contains("test");

    assertThat(Files.readString(file)).doesNotContain("hunter2", "YW5u").contains("\"r.example\"");
    assertThat(Json.tree(Files.readAllBytes(folder.resolve("kept"))))
        .isEqualTo(
            Json.mapper()
                .readTree(
                    "{\"ServerURL\":\"r.example\",\"Username\":\"ann\",\"Secret\":\"hunter2\"}"));
    assertThat(logins.erase("r.example")).isTrue();
    assertThat(folder.resolve("kept")).doesNotExist();
    assertThat(Files.readString(file)).contains("test").doesNotContain("\"r.example\": {}");
  }

  @Test
  void aFileThatIsNoConfigurationIsLeftAlone() throws IOException {
    Path file = Files.writeString(folder.resolve("config.json"), "hunter2");
    assertThatThrownBy(() -> logins(file).store("r.example", ANN))
        .hasMessageContaining(file.toString())
        .message()
        .doesNotContain("hunter2");
    assertThat(file).hasContent("hunter2");
  }
}
