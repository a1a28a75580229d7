# frozen_string_literal: true

# What Vagrant makes of a Vagrantfile: networks.rb FOLDER prints a line "MACHINE NETWORK IPV4 MAC MAC" for each private network, with the
# MAC addresses for VirtualBox and for libvirt.
require "vagrant"

environment = Vagrant::Environment.new(cwd: ARGV.fetch(0))
environment.machine_names.each do |name|
  config = environment.vagrantfile.machine_config(name, :libvirt, nil)[:config]
  config.vm.networks.each do |type, options|
    next unless type == :private_network

    puts [name, options[:libvirt__network_name], options[:ip], options[:mac], options[:libvirt__mac]].join(" ")
    abort "#{name}: networks differ by provider" if options[:libvirt__network_name] != options[:virtualbox__intnet]
  end
end
