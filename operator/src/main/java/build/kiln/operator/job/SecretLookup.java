package build.kiln.operator.job;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;

/**
 * Looks for Secrets. Read with {@code get} when they are needed, never watched: the operator has no
 * right to list Secrets, and no memory for them.
 */
public final class SecretLookup {
  private final KubernetesClient client;

  public SecretLookup(KubernetesClient client) {
    this.client = client;
  }

  /** The Secrets' keys, or what is missing. */
  public sealed interface Found {}

  /**
   * All are there.
   *
   * @param version another one whenever a Secret is
   */
  public record All(SecretFiles files, String version) implements Found {}

  /** Something is not. */
  public record Lacking(String message) implements Found {}

  /** Looks for them in a namespace. */
  public Found look(String namespace, List<SecretFiles.Wanted> secrets) {
    var files = SecretFiles.NONE;
    var versions = new StringBuilder();
    for (var wanted : secrets) {
      var secret = client.secrets().inNamespace(namespace).withName(wanted.name()).get();
      if (secret == null) {
        return new Lacking(
            "Secret %s does not exist in namespace %s. It is picked up when it appears"
                .formatted(wanted.name(), namespace));
      }
      var keys = wanted.keysOf(secret.getData());
      if (keys.isEmpty()) {
        return new Lacking(
            "Secret %s in namespace %s lacks %s. It is picked up when it has it"
                .formatted(wanted.name(), namespace, wanted.keysInWords()));
      }
      files = files.with(wanted, keys);
      versions
          .append(secret.getMetadata().getUid())
          .append('/')
          .append(secret.getMetadata().getResourceVersion())
          .append('\n');
    }
    return new All(files, Hashes.sha256(versions.toString(), 16));
  }
}
