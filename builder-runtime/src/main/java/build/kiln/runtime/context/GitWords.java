package build.kiln.runtime.context;

/**
 * What messages call the parts of a Git source, and what they advise: it depends on who names it.
 */
enum GitWords {
  /** {@code spec.source.git}. */
  SOURCE(
      "git.url",
      "git.revision",
      "git.subPath",
      "put username and password into a Secret and name it in git.secretRef",
      "name a Secret in git.secretRef",
      "needs git.secretRef: a Secret with ssh-privatekey and known_hosts"),
  /** ADD in a Dockerfile. */
  ADD(
      "the URL",
      "a branch, tag or commit after #",
      "the folder in the URL",
      "the image's history would show them; clone it in a RUN with a secret",
      "ADD sends none; clone it in a RUN with a secret",
      "ADD has no key for in a cluster; clone it in a RUN with a secret");

  private final String url;
  private final String revision;
  private final String subPath;
  private final String noCredentials;
  private final String giveCredentials;
  private final String ssh;

  GitWords(
      String url,
      String revision,
      String subPath,
      String noCredentials,
      String giveCredentials,
      String ssh) {
    this.url = url;
    this.revision = revision;
    this.subPath = subPath;
    this.noCredentials = noCredentials;
    this.giveCredentials = giveCredentials;
    this.ssh = ssh;
  }

  String url() {
    return url;
  }

  String revision() {
    return revision;
  }

  String subPath() {
    return subPath;
  }

  /** What to do instead of credentials in the URL. */
  String noCredentials() {
    return noCredentials;
  }

  /** What to do if the server wants credentials. */
  String giveCredentials() {
    return giveCredentials;
  }

  /** What a repository reached by ssh is short of, after "which". */
  String ssh() {
    return ssh;
  }
}
