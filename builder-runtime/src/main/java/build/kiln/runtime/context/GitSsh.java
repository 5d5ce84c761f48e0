package build.kiln.runtime.context;

import java.io.File;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.List;
import org.eclipse.jgit.internal.transport.sshd.OpenSshServerKeyDatabase;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.sshd.ServerKeyDatabase;
import org.eclipse.jgit.transport.sshd.SshdSessionFactory;
import org.eclipse.jgit.transport.sshd.SshdSessionFactoryBuilder;
import org.jspecify.annotations.Nullable;

/**
 * ssh with given keys and given hosts: no configuration file, no agent, no proxy, no question to
 * anyone. A host whose key is not in the file is refused.
 */
final class GitSsh {
  static SshdSessionFactory sessions(GitSecret.Ssh keys) {
    // Nothing is read there, since every file is given; JGit wants the names all the same.
    var nowhere = new File("/nonexistent");
    return new SshdSessionFactoryBuilder()
        .setHomeDirectory(nowhere)
        .setSshDirectory(new File(nowhere, ".ssh"))
        .setConfigStoreFactory((home, config, user) -> null)
        .setPreferredAuthentications("publickey")
        .setDefaultIdentities(folder -> keys.identities())
        .setDefaultKnownHostsFiles(folder -> List.of(keys.knownHosts()))
        .setServerKeyDatabase((home, folder) -> new KnownHosts(keys.knownHosts()))
        .setConnectorFactory(null)
        .setProxyDataFactory(target -> null)
        .build(null);
  }

  /** The host keys of one file, and no others. */
  private static final class KnownHosts implements ServerKeyDatabase {
    private final ServerKeyDatabase file;
    private final String path;

    KnownHosts(Path knownHosts) {
      this.file = new OpenSshServerKeyDatabase(false, List.of(knownHosts));
      this.path = knownHosts.toString();
    }

    @Override
    public List<PublicKey> lookup(
        String connectAddress, InetSocketAddress remoteAddress, Configuration config) {
      return file.lookup(connectAddress, remoteAddress, strict(config));
    }

    @Override
    public boolean accept(
        String connectAddress,
        InetSocketAddress remoteAddress,
        PublicKey serverKey,
        Configuration config,
        @Nullable CredentialsProvider provider) {
      return file.accept(connectAddress, remoteAddress, serverKey, strict(config), null);
    }

    private Configuration strict(Configuration config) {
      return new Configuration() {
        @Override
        public List<String> getUserKnownHostsFiles() {
          return List.of(path);
        }

        @Override
        public List<String> getGlobalKnownHostsFiles() {
          return List.of();
        }

        @Override
        public StrictHostKeyChecking getStrictHostKeyChecking() {
          return StrictHostKeyChecking.REQUIRE_MATCH;
        }

        @Override
        public boolean getHashKnownHosts() {
          return false;
        }

        @Override
        public String getUsername() {
          return config.getUsername();
        }
      };
    }
  }

  private GitSsh() {}
}
