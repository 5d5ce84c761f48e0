package build.kiln.runtime.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import build.kiln.api.v1alpha1.ImageBuildSpec.GitSource;
import build.kiln.runtime.context.ContextException.Code;
import build.kiln.runtime.registry.ProxySettings;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.eclipse.jgit.util.FS;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Over HTTP, against git's own server. */
class GitContextTest {
  @TempDir static Path shared;
  private static GitFixture repository;
  private static GitHttpBackend server;

  @TempDir Path scratch;

  @BeforeAll
  static void serve() throws Exception {
    assumeTrue(GitFixture.isGitHere(), "git is not installed");
    repository = new GitFixture(shared);
    GitFixture.git(
        shared, 0, "clone", "-q", "--bare", "--single-branch", "--no-tags", "work", "behind.git");
    server = new GitHttpBackend(shared);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void forget() {
    server.reset();
  }

  private static GitSource source(String url, @Nullable String revision, @Nullable String path) {
    return new GitSource(url, revision, null, path);
  }

  private GitContext fetch(@Nullable String revision) throws IOException {
    return GitContext.fetch(
        source(server.url("/repo.git"), revision, null), null, GitAccess.anonymous(), scratch);
  }

  private static String commit(String name) {
    return switch (name) {
      case "first" -> repository.first;
      case "main" -> repository.main;
      case "feature" -> repository.feature;
      default -> throw new IllegalArgumentException(name);
    };
  }

  @ParameterizedTest
  @CsvSource({
    ", main",
    "HEAD, main",
    "main, main",
    "feature/x, feature",
    "light, first",
    "v1.0, first",
    "main-tag, main",
    "both, main",
    "tags/both, first",
    "refs/tags/both, first",
    "refs/heads/feature/x, feature",
    "refs/changes/1, first",
    "changes/1, first"
  })
  void resolvesAndFetchesEveryKindOfRevision(@Nullable String revision, String expected)
      throws IOException {
    assertThat(GitRemote.resolve(server.url("/repo.git"), revision, GitAccess.anonymous()))
        .isEqualTo(commit(expected));
    try (var context = fetch(revision)) {
      assertThat(context.revision()).contains(commit(expected));
      assertThat(context.read("Dockerfile", 100)).isPresent();
    }
    assertThat(scratch).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({"first", "main", "feature"})
  void fetchesACommitAlone(String name) throws Exception {
    try (var context = fetch(commit(name))) {
      assertThat(context.revision()).contains(commit(name));
      // What lies behind it was not fetched.
      try (var files = Files.walk(scratch)) {
        assertThat(files.filter(file -> file.endsWith("shallow"))).hasSize(1);
      }
    }
  }

  @Test
  void fetchesEverythingWhereACommitMayNotBeAskedFor() throws Exception {
    server.refuse(repository.first);
    try (var context =
        GitContext.fetch(
            source(server.url("/behind.git"), "main", null),
            repository.first,
            GitAccess.anonymous(),
            scratch)) {
      assertThat(context.revision()).contains(repository.first);
      assertThat(Trees.text(context.tree(), "Dockerfile")).isEqualTo("FROM first\n");
      try (var files = Files.walk(scratch)) {
        assertThat(files.filter(file -> file.endsWith("shallow"))).isEmpty();
      }
    }
    String unknown = "0123456789012345678901234567890123456789";
    assertFails(
        Code.NOT_FOUND,
        "on any branch or tag",
        () ->
            GitContext.fetch(
                source(server.url("/behind.git"), unknown, null),
                null,
                GitAccess.anonymous(),
                scratch));
  }

  @Test
  void aPinnedCommitGoesBeforeTheRevision() throws IOException {
    try (var context =
        GitContext.fetch(
            source(server.url("/repo.git"), "main", null),
            repository.first,
            GitAccess.anonymous(),
            scratch)) {
      assertThat(context.revision()).contains(repository.first);
      assertThat(Trees.text(context.tree(), "Dockerfile")).isEqualTo("FROM first\n");
      assertThat(context.epoch()).hasValue(GitFixture.FIRST_TIME);
    }
  }

  @Test
  void showsWhatTheCommitHas() throws IOException {
    try (var context = fetch("main")) {
      assertThat(Trees.list(context.tree()))
          .containsExactly(
              "file 644 .gitattributes",
              "file 644 Dockerfile",
              "directory 755 app",
              "directory 755 app/dir",
              "file 644 app/dir/größe",
              "file 644 app/dir.txt",
              "symlink 777 app/link -> ../Dockerfile",
              "symlink 777 app/loop -> loop",
              "file 755 app/run me.sh",
              "directory 755 module");
      assertThat(context.tree().children("module")).isEmpty();
      assertThat(context.tree().children("app/link")).isEmpty();
      assertThat(context.tree().lookup("app/link/x")).isEmpty();
      assertThat(Trees.text(context.tree(), "app/dir.txt")).isEqualTo("dots sort before slashes");
      assertThat(context.read("app/link", 100)).isPresent();
      assertThatThrownBy(() -> context.read("app/loop", 100)).hasMessageContaining("loop");
      assertThat(context.epoch()).hasValue(GitFixture.MAIN_TIME);
      assertThat(context.tree().lookup("app/dir").orElseThrow().mtimeSeconds())
          .isEqualTo(GitFixture.MAIN_TIME);
    }
  }

  @Test
  void filesMayHaveATimeOfTheirOwn() throws IOException {
    try (var context = fetch("main").dated(42)) {
      assertThat(context.epoch()).hasValue(42);
      for (String path : List.of("", "app", "app/link", "app/run me.sh", "module")) {
        assertThat(context.tree().lookup(path).orElseThrow().mtimeSeconds()).isEqualTo(42);
      }
    }
  }

  @Test
  void aSubPathIsTheRoot() throws IOException {
    try (var context =
        GitContext.fetch(
            source(server.url("/repo.git"), null, "./app/"),
            null,
            GitAccess.anonymous(),
            scratch)) {
      assertThat(Trees.paths(context.tree()))
          .containsExactly(
              "dir", "dir/größe", "dir.txt", "link -> ../Dockerfile", "loop -> loop", "run me.sh");
      // What is above the root does not exist.
      assertThat(context.read("link", 100)).isEmpty();
    }
    try (var module =
        GitContext.fetch(
            source(server.url("/repo.git"), null, "module"),
            null,
            GitAccess.anonymous(),
            scratch)) {
      assertThat(module.tree().children("")).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/repo.git, nope, , NOT_FOUND, tag or ref \"nope\"",
    "/repo.git, abcdef1, , NOT_FOUND, a commit needs all its 40 digits",
    "/repo.git, 0123456789012345678901234567890123456789, , NOT_FOUND, has no commit 0123456789",
    "/repo.git, refs/heads/nope, , NOT_FOUND, has no branch",
    "/repo.git, of-a-tree, , INVALID, is no commit",
    "/repo.git, main, nope, NOT_FOUND, has no folder \"nope\"",
    "/repo.git, main, Dockerfile, NOT_FOUND, it is a file",
    "/repo.git, main, app/link, NOT_FOUND, it is a symbolic link",
    "/repo.git, main, ../x, INVALID, leave the root",
    "/none.git, main, , NOT_FOUND, no such repository (HTTP 404)",
    "/status/403/x, main, , UNAUTHORIZED, HTTP 403",
    "/status/429/x, main, , UNAVAILABLE, HTTP 429",
    "/status/503/x, main, , UNAVAILABLE, HTTP 503",
    "/web/x, main, , INVALID, does not answer as a Git server",
    "/private/repo.git, main, , UNAUTHORIZED, name a Secret in git.secretRef"
  })
  void saysWhatIsMissing(
      String path, String revision, @Nullable String subPath, Code code, String message) {
    assertFails(
        code,
        message,
        () ->
            GitContext.fetch(
                source(server.url(path), revision, subPath), null, GitAccess.anonymous(), scratch));
    assertThat(scratch).isEmptyDirectory();
  }

  private static void assertFails(Code code, String message, ThrowingCallable action) {
    assertThatThrownBy(action)
        .isInstanceOfSatisfying(
            ContextException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              assertThat(e.retryable()).isEqualTo(code == Code.UNAVAILABLE);
            })
        .hasMessageContaining(message)
        .message()
        .doesNotContain(GitHttpBackend.PASSWORD, "null");
  }

  @Test
  void saysThatAnEmptyRepositoryHasNoHead() throws Exception {
    GitFixture.git(shared, 0, "init", "-q", "--bare", "empty.git");
    assertFails(
        Code.NOT_FOUND,
        "has no HEAD",
        () -> GitRemote.resolve(server.url("/empty.git"), null, GitAccess.anonymous()));
  }

  @ParameterizedTest
  @CsvSource({
    "file:///etc",
    "/srv/repo.git",
    "ext::sh -c id",
    "https://user:s3cret@example.com/x.git",
    "https://s3cret@example.com/x.git",
    "ssh://git:s3cret@example.com/x",
    "ftp://example.com/x.git",
    "http:///x"
  })
  void refusesUrls(String url) {
    assertFails(
        Code.INVALID,
        "git.url",
        () -> GitContext.fetch(source(url, null, null), null, GitAccess.anonymous(), scratch));
  }

  @Test
  void aServerThatIsDownMayComeBack() throws IOException {
    int port;
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
      var access = GitAccess.anonymous().withTimeout(Duration.ofSeconds(1));
      assertFails(
          Code.UNAVAILABLE,
          "does not answer in time",
          () -> GitRemote.resolve("http://127.0.0.1:" + port + "/x", null, access));
    }
    assertFails(
        Code.UNAVAILABLE,
        "the connection fails",
        () -> GitRemote.resolve("http://127.0.0.1:" + port + "/x", null, GitAccess.anonymous()));
  }

  private GitAccess secret(String... keysAndValues) throws IOException {
    Path folder = Files.createDirectories(scratch.resolveSibling(scratch.getFileName() + "-s"));
    for (int i = 0; i < keysAndValues.length; i += 2) {
      Files.writeString(folder.resolve(keysAndValues[i]), keysAndValues[i + 1]);
    }
    return GitAccess.anonymous().withSecret(folder);
  }

  @Test
  void sendsTheSecretWhereItIsWanted() throws IOException {
    var access = secret("username", "user\n", "password", "s3cret\n");
    var source = source(server.url("/private/repo.git"), "v1.0", null);
    try (var context = GitContext.fetch(source, null, access, scratch)) {
      assertThat(context.revision()).contains(repository.first);
    }
    assertThat(server.authorizations()).isNotEmpty();
    server.authorizations().clear();
    GitRemote.resolve(server.url("/repo.git"), "main", access);
    assertThat(server.authorizations()).isEmpty();
  }

  @Test
  void saysThatASecretIsWrongOrIncomplete() throws IOException {
    assertFails(
        Code.UNAUTHORIZED,
        "refuses the username and password of the Secret",
        () ->
            GitRemote.resolve(
                server.url("/private/repo.git"),
                null,
                secret("username", "user", "password", "wrong")));
    var empty = GitAccess.anonymous().withSecret(scratch);
    assertFails(
        Code.SECRET_INCOMPLETE,
        "has no key password",
        () -> GitRemote.resolve(server.url("/repo.git"), null, empty));
    assertFails(
        Code.SECRET_INCOMPLETE,
        "needs git.secretRef",
        () -> GitRemote.resolve("git@127.0.0.1:x.git", null, GitAccess.anonymous()));
    assertFails(
        Code.SECRET_INCOMPLETE,
        "has no key known_hosts",
        () -> GitRemote.resolve("git@127.0.0.1:x.git", null, secret("ssh-privatekey", "x")));
  }

  @Test
  void anotherHostNeverGetsTheSecret() throws IOException {
    var access = secret("username", "user", "password", "s3cret");
    try (var other = new GitHttpBackend(shared)) {
      // The first host takes the credentials, and leads to another one, which is open.
      String url = server.url("/private/to/" + other.port() + "/repo.git");
      try (var context = GitContext.fetch(source(url, "main", null), null, access, scratch)) {
        assertThat(context.revision()).contains(repository.main);
      }
      assertThat(server.authorizations()).isNotEmpty();
      assertThat(other.requests()).isNotEmpty();
      assertThat(other.authorizations()).isEmpty();
      // One that asks for credentials gets none either.
      String asking = server.url("/to/" + other.port() + "/private/repo.git");
      assertFails(Code.UNAUTHORIZED, "HTTP 401", () -> GitRemote.resolve(asking, "main", access));
      assertThat(other.authorizations()).isEmpty();
    }
  }

  @Test
  void goesThroughTheProxyThatIsGiven() throws IOException {
    // A proxy gets the absolute URL; the backend takes its path like any other.
    var proxies = new ProxySettings(URI.create(server.url("")), null, List.of());
    var access = GitAccess.anonymous().withProxies(proxies);
    assertThat(GitRemote.resolve("http://git.example.com/repo.git", "main", access))
        .isEqualTo(repository.main);
    var none = new ProxySettings(URI.create("http://127.0.0.1:1"), null, List.of("*"));
    assertThat(
            GitRemote.resolve(
                server.url("/repo.git"), "main", GitAccess.anonymous().withProxies(none)))
        .isEqualTo(repository.main);
  }

  @Test
  void aProxysPasswordGoesToTheProxy() throws IOException {
    URI proxy = URI.create(server.url("").replace("//", "//me:pr0xy@"));
    var access = GitAccess.anonymous().withProxies(new ProxySettings(proxy, proxy, List.of()));
    GitRemote.resolve("http://git.example.com/repo.git", "main", access);
    // "me:pr0xy"
    assertThat(server.proxyAuthorizations()).isNotEmpty().containsOnly("Basic bWU6cHIweHk=");
    assertThat(server.authorizations()).isEmpty();
    assertFails(
        Code.INVALID,
        "HTTPS_PROXY has a password",
        () -> GitRemote.resolve("https://git.example.com/repo.git", "main", access));
  }

  @Test
  void believesTheAuthoritiesThatAreGiven() throws Exception {
    Path keys = scratch.resolve("keys.p12");
    Path authorities = Files.createDirectory(scratch.resolve("ca"));
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    assumeTrue(Files.isExecutable(Path.of(keytool)), "this Java has no keytool");
    String store = "-keystore " + keys + " -storepass changeit -alias a";
    run(
        keytool
            + " -genkeypair -keyalg EC -dname CN=test -ext san=ip:127.0.0.1 -storetype PKCS12 "
            + store);
    run(keytool + " -exportcert -rfc -file " + authorities.resolve("own.pem") + " " + store);
    var keyStore = KeyStore.getInstance(keys.toFile(), "changeit".toCharArray());
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keyStore, "changeit".toCharArray());
    var tls = SSLContext.getInstance("TLS");
    tls.init(managers.getKeyManagers(), null, null);
    try (var secure = new GitHttpBackend(shared, tls)) {
      String url = secure.url("/repo.git");
      var access = GitAccess.anonymous().withCaDirectory(authorities);
      assertThat(GitRemote.resolve(url, "main", access)).isEqualTo(repository.main);
      assertFails(
          Code.INVALID,
          "its certificate is not trusted",
          () -> GitRemote.resolve(url, "main", GitAccess.anonymous()));
    }
    assertFails(
        Code.INVALID,
        "certificate authorities",
        () ->
            GitRemote.resolve(
                "https://127.0.0.1:1/x",
                null,
                GitAccess.anonymous().withCaDirectory(scratch.resolve("none"))));
  }

  private static void run(String command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command.split(" ", -1)).redirectErrorStream(true).start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
  }

  @Test
  void theUsersGitConfigurationHasNoSay() throws IOException {
    Files.writeString(
        scratch.resolve(".gitconfig"),
        "[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = http://127.0.0.1\n");
    File home = FS.DETECTED.userHome();
    FS.DETECTED.setUserHome(scratch.toFile());
    try {
      assertThat(GitRemote.resolve(server.url("/repo.git"), "main", GitAccess.anonymous()))
          .isEqualTo(repository.main);
    } finally {
      FS.DETECTED.setUserHome(home);
    }
  }

  @Test
  void bigFilesAreStreamed() throws Exception {
    Path work = Files.createDirectory(scratch.resolve("big"));
    GitFixture.git(work, 0, "init", "-q", "-b", "main");
    byte[] content = new byte[48 * 1024 * 1024];
    new Random(1).nextBytes(content);
    Files.write(work.resolve("big"), content);
    GitFixture.git(work, 0, "add", "big");
    GitFixture.git(work, 1, "commit", "-q", "-m", "big");
    Path bare = shared.resolve("big.git");
    GitFixture.git(scratch, 0, "clone", "-q", "--mirror", "big", bare.toString());
    byte[] expected = MessageDigest.getInstance("SHA-256").digest(content);
    try (var context =
        GitContext.fetch(
            source(server.url("/big.git"), null, null), null, GitAccess.anonymous(), scratch)) {
      var file = context.tree().lookup("big").orElseThrow();
      assertThat(file.size()).isEqualTo(content.length);
      var sha = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[64 * 1024];
      try (var in = context.tree().open(file)) {
        // A stream over the pack, not over an array of the whole.
        assertThat(in.available()).isLessThan(content.length);
        for (int n; (n = in.read(buffer)) > 0; ) {
          sha.update(buffer, 0, n);
        }
      }
      assertThat(sha.digest()).isEqualTo(expected);
    }
  }
}
