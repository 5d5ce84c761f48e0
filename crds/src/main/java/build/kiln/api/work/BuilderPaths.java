package build.kiln.api.work;

/**
 * Where things lie in a builder pod. Folders below {@link #SECRETS} hold one Secret each, a file a
 * key.
 */
public final class BuilderPaths {
  /** The work order. */
  public static final String ORDER = "/kiln/work/order.json";

  /** Secrets; at a desk the folder given as {@code --secrets-dir}, with the same layout. */
  public static final String SECRETS = "/kiln/secrets";

  /**
   * {@code <secrets>/registry/<name>/.dockerconfigjson}: every Secret of registrySecrets,
   * output.secretRef and cache.registry.secretRef; a mirror's source.secretRef and
   * destination.secretRef; a prune policy's of registries and caches.
   */
  public static final String SECRETS_REGISTRY = "registry";

  /** {@code <secrets>/git/<name>/{username,password,ssh-privatekey,known_hosts}}. */
  public static final String SECRETS_GIT = "git";

  /** {@code <secrets>/build/<name>/<key>}: what steps may mount. */
  public static final String SECRETS_BUILD = "build";

  /** {@code <secrets>/keys/<name>/<key>}: public keys that a mirror verifies by. */
  public static final String SECRETS_KEYS = "keys";

  /** {@code <secrets>/report/<name>/{token,username,password}} of a prune policy. */
  public static final String SECRETS_REPORT = "report";

  /**
   * {@code /kiln/configmaps/<name>/<key>}: the ConfigMap of a configMap source; at a desk {@code
   * --configmaps-dir}.
   */
  public static final String CONFIG_MAPS = "/kiln/configmaps";

  /** The workspace: an emptyDir, all that a build writes. */
  public static final String WORKSPACE = "/kiln/workspace";

  /** The volume of {@code cache.volume}. */
  public static final String CACHE = "/kiln/cache";

  /** The socket of the node's container runtime, in a pod that prunes a node. */
  public static final String CRI_SOCKET = "/kiln/cri.sock";

  /** Where kubelet reads the termination message. */
  public static final String TERMINATION_MESSAGE = "/dev/termination-log";

  private BuilderPaths() {}
}
