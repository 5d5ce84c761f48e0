# What the launchers kiln and kiln-operator share; sourced by them. Wants $home, the folder with bin/ and lib/, and $me; later
# $flags of the JVM and, if there is one, $isal, the library that compresses.
isal=

fail() {
  code=$1
  shift
  printf '%s: %s\n' "$me" "$@" >&2
  exit "$code"
}

# Sets $java: JAVA_HOME's if that is set, else the one on PATH. It must be 25 or later.
find_java() {
  if [ -n "${JAVA_HOME:-}" ]; then
    java=$JAVA_HOME/bin/java
    from="JAVA_HOME is $JAVA_HOME"
    [ -x "$java" ] || fail 5 "$from, and there is no bin/java in it: point it at a Java 25 or later, or unset it."
  else
    java=$(command -v java) || fail 5 "no java found: install a Java 25 or later, and put it on PATH or name its folder in JAVA_HOME."
    from="java on PATH is $java"
  fi
  # The release file saves the start of a JVM; a few distributions leave it out.
  version=
  release=${java%/*}/../release
  if [ ! -r "$release" ]; then
    real=$(readlink -f "$java")
    release=${real%/*}/../release
  fi
  if [ -r "$release" ]; then
    while IFS='=' read -r key value; do
      [ "$key" = JAVA_VERSION ] && version=$value
    done <"$release"
  fi
  [ -n "$version" ] || version=$("$java" -version 2>&1 | sed -n 's/.*version "\([^"]*\)".*/\1/p' | head -n 1)
  version=${version#\"}
  version=${version%\"}
  major=${version%%[!0-9]*}
  [ "${major:-0}" -ge 25 ] \
    || fail 5 "$from, version ${version:-unknown}: Java 25 or later is needed. Install one and set JAVA_HOME to it."
}

# Sets $classpath, in one order everywhere, since an AOT cache is only good for the class path it was made with. Our own jars
# are first: to find a file, all those before it are opened.
find_classpath() {
  classpath=
  for jar in "$home"/lib/kiln-*.jar "$home"/lib/*.jar; do
    case :$classpath: in
      *":$jar:"*) ;;
      *) [ ! -e "$jar" ] || classpath=${classpath:+$classpath:}$jar ;;
    esac
  done
}

# Runs the main class with the JVM's flags in $flags and the rest as its arguments. Does not return.
launch() {
  main=$1
  shift
  # One locale everywhere: in C, Java cannot open a file whose name is not ASCII; others sort and print in ways of their own.
  export LC_ALL=C.UTF-8
  find_java
  find_classpath
  # A cache that does not fit this JVM is passed over by it, without a word: it only costs time.
  [ -r "$home/lib/$me.aot" ] && cache=-XX:AOTCache=$home/lib/$me.aot || cache=
  # The JVM's own words go to stderr: stdout is for results, and in a builder pod for the operator. Out of memory in any
  # thread ends the process with code 3, which nothing else has: the operator reads it. Java asks the user database for
  # the home, and root of a user namespace has another one there.
  # shellcheck disable=SC2086 # $flags and KILN_JAVA_OPTS are words, and no patterns
  set -f
  exec "$java" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError --enable-native-access=ALL-UNNAMED \
    -XX:-UsePerfData -XX:+DisplayVMOutputToStderr -Xlog:disable '-Xlog:all=warning,aot*=off,cds*=off:stderr' \
    ${cache:+"$cache"} ${HOME:+"-Duser.home=$HOME"} ${isal:+"-Dkiln.isal=$isal"} $flags ${KILN_JAVA_OPTS:-} -cp "$classpath" "$main" "$@"
}
